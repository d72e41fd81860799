/**
 * The servers behind every arm: one nginx worker that answers on several ports, as cheap as a server
 * can be, so that the load's core has time for the load. Any method, bodies are read, connections
 * are kept:
 *
 *   /            65 bytes
 *   /bytes/1k    1,000 bytes     /bytes/10k    10,000     /bytes/100k    100,000
 *   /1m          1,000,000 bytes
 */
import { type SocketAddress, formatSocketAddress } from '../../base/settings.ts';
import { startConfigured } from './configured-peer.ts';
import { configureNginx } from './nginx-config.ts';
import { withFreeAddresses } from './ports.ts';
import { missingProgram } from './program.ts';
import type { Scratch } from './scratch.ts';

const CONNECTIONS_MAX = 20_000;
/** Body of `/`. */
export const SMALL_BYTES = 65;
/** Bytes of the body by request target. */
export const BODY_BYTES: Readonly<Record<string, number>> = {
  '/': SMALL_BYTES,
  '/bytes/1k': 1_000,
  '/bytes/10k': 10_000,
  '/bytes/100k': 100_000,
  '/1m': 1_000_000,
};

/** Running backends. */
export interface Backends {
  readonly addresses: readonly SocketAddress[];
  readonly pids: readonly number[];
  /** Safe to call twice. */
  readonly stop: () => Promise<void>;
}

/** One sentence when nothing can be measured for want of a backend; undefined when it can. */
export function missingBackend(): string | undefined {
  const missing = missingProgram({ program: 'nginx', debianPackage: 'nginx-light' });
  return missing === undefined
    ? undefined
    : `Nothing can be measured without a backend: ${missing}`;
}

/** Starts backends on `count` ports and `core`. */
export function startBackends(count: number, core: number): Promise<Backends> {
  return withFreeAddresses(count, async (addresses) => {
    const { pids, stop } = await startConfigured({
      name: 'backend',
      program: 'nginx',
      cores: String(core),
      configure: (scratch) => configure(scratch, addresses),
      processes: 2,
      address: addresses[0],
    });
    return { addresses, pids, stop };
  });
}

function configure(scratch: Scratch, addresses: readonly SocketAddress[]): readonly string[] {
  const locations = Object.entries(BODY_BYTES).map(([target, bytes]) => {
    if (target === '/') return `    location = / { return 200 "${'x'.repeat(bytes)}"; }`;
    const file = scratch.write(`body-${bytes}`, Buffer.alloc(bytes, 'x'));
    return `    location = ${target} { alias ${file}; error_page 405 =200 ${target}; }`;
  });
  const http = `  tcp_nodelay on;
  open_file_cache max=16;
  open_file_cache_valid 1h;
  server {
${addresses.map((each) => `    listen ${formatSocketAddress(each)} backlog=4096;`).join('\n')}
${locations.join('\n')}
  }`;
  return configureNginx({ scratch, workers: 1, connectionsMax: CONNECTIONS_MAX, http });
}
