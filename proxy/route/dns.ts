/**
 * Where no service is known, a name is looked up as the system does it (RFC 1035 names, hosts file,
 * address literals). Answers become destinations without labels; they are kept for a fixed time,
 * because the system's resolver tells no lifetime.
 */
import { lookup } from 'node:dns';
import { timeouts } from '../limits.ts';
import type { DestinationResource, Target } from '../model/destination.ts';
import { MeshError } from '../model/mesh-error.ts';
import { unlabelledDestination } from './unlabelled.ts';

/** What a lookup found. */
export interface DnsAnswer {
  readonly found: DestinationResource | MeshError;
  /** How long the answer may be used, milliseconds. */
  readonly keepMs: number;
}

/** Calls `tell` once, within a deadline. */
export type Resolve = (target: Target, tell: (answer: DnsAnswer) => void) => void;

const NO_SUCH_NAME = new Set(['ENOTFOUND', 'ENODATA']);

/** getaddrinfo, every address it finds, within timeouts.discoveryTimeoutMs. */
export const resolveBySystem: Resolve = (target, tell) => {
  const name = target.authority ?? '';
  let told = false;
  const once = (found: DestinationResource | MeshError): void => {
    if (told) return;
    told = true;
    clearTimeout(deadline);
    const failed = found instanceof MeshError;
    tell({ found, keepMs: failed ? timeouts.dnsNegativeMs : timeouts.dnsPositiveMs });
  };
  const deadline = setTimeout(() => {
    const sentence = `No answer from the name service about ${name}.`;
    once(new MeshError('deadline-passed', 'upstream', sentence));
  }, timeouts.discoveryTimeoutMs);
  lookup(name, { all: true }, (error, addresses) => {
    if (error !== null) return once(dnsError(name, error.code ?? error.message));
    const { port } = target;
    const found = addresses.map(({ address }) => ({ host: address, port }));
    once(unlabelledDestination(`${name}:${port}`, '', port, found));
  });
};

function dnsError(name: string, code: string): MeshError {
  if (NO_SUCH_NAME.has(code)) {
    return new MeshError('no-such-service', 'proxy', `No service and no host is named ${name}.`);
  }
  return new MeshError('dns-failed', 'upstream', `The name service failed for ${name}: ${code}.`);
}
