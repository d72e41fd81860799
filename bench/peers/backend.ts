/**
 * The servers behind every arm: one nginx worker that answers on several ports, as cheap as a server
 * can be, so that the load's core has time for the load. Connections are kept.
 *
 *   /            65 bytes; any method, answered when the request's body has been read
 *   /bytes/1k    1,000 bytes     /bytes/10k    10,000     /bytes/100k    100,000     (GET)
 *   /1m          1,000,000 bytes (GET)
 *
 * By itself nginx answers before it has read the body, and some proxies close the connection then.
 * It does read it before it passes a request on, so what has a body is passed on: to itself.
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
  return withFreeAddresses(count + 1, async ([behind, ...addresses]) => {
    const [address] = addresses;
    if (address === undefined) throw new Error('no backend was asked for');
    const { pids, stop } = await startConfigured({
      name: 'backend',
      program: 'nginx',
      cores: String(core),
      configure: (scratch) => configureBackend(scratch, behind, addresses),
      processes: 2,
      address,
    });
    return { addresses, pids, stop };
  });
}

/** Writes nginx's configuration for `addresses`; `behind` is its own. Its arguments. */
export function configureBackend(
  scratch: Scratch,
  behind: SocketAddress,
  addresses: readonly SocketAddress[],
): readonly string[] {
  const small = `return 200 "${'x'.repeat(SMALL_BYTES)}";`;
  const files = Object.entries(BODY_BYTES).flatMap(([target, bytes]) => {
    if (target === '/') return [];
    const file = scratch.write(`body-${bytes}`, Buffer.alloc(bytes, 'x'));
    return `    location = ${target} { alias ${file}; }`;
  });
  const http = `  tcp_nodelay on;
  open_file_cache max=16;
  open_file_cache_valid 1h;
  client_body_buffer_size 1m;
  upstream behind { server ${formatSocketAddress(behind)}; keepalive 64; }
  server { listen ${formatSocketAddress(behind)}; location / { ${small} } }
  server {
${addresses.map((each) => `    listen ${formatSocketAddress(each)} backlog=4096;`).join('\n')}
    location = / {
      if ($request_method = GET) { ${small} }
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_pass_request_body off;
    }
${files.join('\n')}
  }`;
  return configureNginx({ scratch, workers: 1, connectionsMax: CONNECTIONS_MAX, http });
}
