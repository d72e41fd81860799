/** A PostgreSQL server of the machine, with a database of its own that is gone when it ends. */
import { execFile, spawnSync } from 'node:child_process';
import { chownSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { startConfigured } from '../../bench/peers/configured-peer.ts';
import { withFreeAddresses } from '../../bench/peers/ports.ts';
import { findProgram } from '../../bench/peers/program.ts';
import { eventually } from './deadline.ts';
import { splitAddress } from './scripted-peer.ts';

/** Where Debian keeps it, by version; not in anybody's PATH. */
const DEBIAN = '/usr/lib/postgresql';
/** "nobody": it refuses to run as root. */
const NOBODY = 65_534;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
const RUN_MS = 40_000;
const START_MS = 20_000;

const run = promisify(execFile);

/** A reason to skip when the server or `psql` is not installed; false when both are. */
export const withoutPostgres = (): string | false =>
  findServer('postgres') === undefined || findServer('initdb') === undefined
    ? 'postgres is not installed: apt-get install postgresql.'
    : findProgram('psql') === undefined
      ? 'psql is not installed: apt-get install postgresql-client.'
      : findProgram('setpriv') === undefined
        ? 'setpriv is not installed: apt-get install util-linux.'
        : false;

function findServer(name: string): string | undefined {
  return findProgram(name) ?? debianVersions().map(binary(name)).find(exists);
}

const binary =
  (name: string) =>
  (version: string): string =>
    path.join(DEBIAN, version, 'bin', name);

const exists = (file: string): boolean => findProgram(file) !== undefined;

/** The newest first. */
function debianVersions(): readonly string[] {
  try {
    return readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a));
  } catch {
    return [];
  }
}

/** Use with `await using`. */
export class Postgres implements AsyncDisposable {
  readonly port: number;
  readonly #stop: () => Promise<void>;

  private constructor(port: number, stop: () => Promise<void>) {
    this.port = port;
    this.#stop = stop;
  }

  /** Resolves when it answers queries. */
  static start(): Promise<Postgres> {
    return withFreeAddresses(1, async ([address]) => {
      const { stop } = await startConfigured({
        name: 'postgres',
        program: 'setpriv',
        cores: '0-1',
        configure: ({ directory }) => configure(directory, address.port),
        processes: 1,
        address,
      });
      const server = new Postgres(address.port, stop);
      const ask = (): Promise<boolean> =>
        psql(`127.0.0.1:${address.port}`, 'select 1').then(
          (answer) => answer === '1\n',
          () => false,
        );
      try {
        await eventually('PostgreSQL to answer', ask, START_MS);
        return server;
      } catch (error) {
        await stop();
        throw error;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

/** Makes the database; the arguments of setpriv, which becomes the server. */
function configure(directory: string, port: number): readonly string[] {
  const root = process.getuid?.() === 0;
  // What a user may set dies with the change of user: it is said once more.
  const user = root
    ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--pdeathsig', 'TERM']
    : ['--pdeathsig', 'TERM'];
  if (root) chownSync(directory, NOBODY, NOBODY);
  const data = path.join(directory, 'data');
  const initialise = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '--no-locale'];
  const { status, stderr } = spawnSync(
    'setpriv',
    [...user, findServer('initdb') ?? '', ...initialise, '-E', 'UTF8'],
    { encoding: 'utf8', cwd: directory },
  );
  if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
  const listen = ['-h', '127.0.0.1', '-p', String(port), '-c', 'unix_socket_directories='];
  return [...user, findServer('postgres') ?? '', '-D', data, '-F', ...listen];
}

/** What `psql` writes of the statements, sent to "127.0.0.1:5432"; values only. */
export async function psql(address: string, ...statements: readonly string[]): Promise<string> {
  const [host, port] = splitAddress(address);
  const uri = `postgresql://postgres@${host}:${port}/postgres?connect_timeout=10`;
  const options = { maxBuffer: OUTPUT_BYTES_MAX, timeout: RUN_MS, killSignal: 'SIGKILL' } as const;
  const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-f', '-', uri];
  const running = run(findProgram('psql') ?? 'psql', args, options);
  // They may be longer than an argument may be.
  running.child.stdin
    ?.on('error', () => undefined)
    .end(statements.map((one) => `${one};\n`).join(''));
  return (await running).stdout;
}
