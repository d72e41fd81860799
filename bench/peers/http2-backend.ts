/**
 * The servers behind every arm that speaks HTTP/2: an nghttpd for each address, which serves files as
 * cheaply as a server can (a quarter of what nginx needs for an answer). The same bodies as those of
 * backend.ts, by the same paths.
 */
import path from 'node:path';
import { mkdirSync } from 'node:fs';
import type { SocketAddress } from '../../base/settings.ts';
import { BODY_BYTES, type Backends } from './backend.ts';
import { startConfigured } from './configured-peer.ts';
import { withFreeAddresses } from './ports.ts';
import { missingProgram } from './program.ts';
import type { Scratch } from './scratch.ts';

const PROGRAM = 'nghttpd';

/** One sentence when HTTP/2 cannot be measured for want of a backend; undefined when it can. */
export const missingHttp2Backend = (): string | undefined =>
  missingProgram({ program: PROGRAM, debianPackage: 'nghttp2-server' });

/** Starts backends on `count` ports and `core`. */
export function startHttp2Backends(count: number, core: number): Promise<Backends> {
  return withFreeAddresses(count, async (addresses) => {
    const running: { readonly pids: readonly number[]; readonly stop: () => Promise<void> }[] = [];
    const stop = async (): Promise<void> => {
      await Promise.all(running.map((one) => one.stop()));
    };
    try {
      for (const address of addresses) running.push(await startOne(address, core));
    } catch (error) {
      await stop();
      throw error;
    }
    return { addresses, pids: running.flatMap(({ pids }) => pids), stop };
  });
}

const startOne = (address: SocketAddress, core: number) =>
  startConfigured({
    name: 'backend-http2',
    program: PROGRAM,
    cores: String(core),
    configure: (scratch) => configure(scratch, address),
    processes: 1,
    address,
  });

function configure(scratch: Scratch, { host, port }: SocketAddress): readonly string[] {
  mkdirSync(path.join(scratch.directory, 'bytes'));
  for (const [target, bytes] of Object.entries(BODY_BYTES)) {
    const file = target === '/' ? 'index.html' : target.slice(1);
    scratch.write(file, Buffer.alloc(bytes, 'x'));
  }
  return ['--no-tls', '--address', host, '--htdocs', scratch.directory, String(port)];
}
