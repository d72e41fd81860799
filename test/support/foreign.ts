/** Programs that are not ours, as servers and as clients of tests. Linux; each of them may be missing. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { SocketAddress } from '../../base/settings.ts';
import { startConfigured } from '../../bench/peers/configured-peer.ts';
import { withFreeAddresses } from '../../bench/peers/ports.ts';
import { missingProgram } from '../../bench/peers/program.ts';
import type { Scratch } from '../../bench/peers/scratch.ts';

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
const RUN_MS = 40_000;

/** In which Debian package each program is. */
const PACKAGES = {
  curl: 'curl',
  h2load: 'nghttp2-client',
  haproxy: 'haproxy',
  nghttp: 'nghttp2-client',
  nghttpd: 'nghttp2-server',
  nghttpx: 'nghttp2-proxy',
  nginx: 'nginx-light',
  'redis-cli': 'redis-tools',
  'redis-server': 'redis-server',
} as const;

type ForeignName = keyof typeof PACKAGES;

/** A reason to skip when one of them is not installed; false when all are. */
export const without = (...programs: readonly ForeignName[]): string | false =>
  missingProgram(...programs.map((program) => ({ program, debianPackage: PACKAGES[program] }))) ??
  false;

/** A server program that runs, from `start` to its disposal. */
export class ForeignServer implements AsyncDisposable {
  readonly port: number;
  readonly #stop: () => Promise<void>;

  private constructor(port: number, stop: () => Promise<void>) {
    this.port = port;
    this.#stop = stop;
  }

  /** `configure` writes what the program reads, and returns its arguments; it stays in front. */
  static start(
    program: ForeignName,
    configure: (scratch: Scratch, listen: SocketAddress) => readonly string[],
  ): Promise<ForeignServer> {
    return withFreeAddresses(1, async ([address]) => {
      const { stop } = await startConfigured({
        name: program,
        program,
        cores: '0-1',
        configure: (scratch) => configure(scratch, address),
        processes: 1,
        address,
      });
      return new ForeignServer(address.port, stop);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

/** Runs a client program; resolves to what it wrote, rejects when it fails or takes 40 s. */
export async function runForeign(
  program: ForeignName,
  ...args: readonly string[]
): Promise<string> {
  const options = { maxBuffer: OUTPUT_BYTES_MAX, timeout: RUN_MS, killSignal: 'SIGKILL' } as const;
  const running = run(program, args, options);
  // Who reads standard input gets a short one.
  running.child.stdin?.on('error', () => undefined).end('hello');
  return (await running).stdout;
}

/** As `runForeign` of curl, speaking HTTP/2 from its first byte. */
export const curlHttp2 = (...args: readonly string[]): Promise<string> =>
  runForeign('curl', '-sS', '--max-time', '30', '--http2-prior-knowledge', ...args);

/** HAProxy between `front` and `to`, each in HTTP/2 or not. */
export function haproxyConfig(
  front: SocketAddress,
  to: string,
  { frontHttp2, backHttp2 }: { readonly frontHttp2: boolean; readonly backHttp2: boolean },
): string {
  return `global
  no strict-limits
defaults
  mode http
  timeout connect 2s
  timeout client 20s
  timeout server 20s
listen front
  bind ${front.host}:${front.port}${frontHttp2 ? ' proto h2' : ''}
  server one ${to}${backHttp2 ? ' proto h2' : ''}
`;
}
