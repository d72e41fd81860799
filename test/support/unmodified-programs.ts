/**
 * Pairs of programs of others, as they are installed: servers and what their clients do with them.
 * Nothing of a mesh is told any of them, so each pair works in a pod and outside.
 */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SocketAddress } from '../../base/settings.ts';
import { without } from './foreign.ts';
import { PYTHON, withoutGrpcio } from './grpc-peers.ts';
import { withoutPostgres } from './postgres.ts';

/** "nobody": PostgreSQL refuses to run as root. */
const NOBODY = 65_534;
const LONG = 'x'.repeat(100_000);
const PAGE = 'A page of no meaning.\n'.repeat(10_000);
const GRPC_ECHO = path.join(import.meta.dirname, 'grpc-echo.py');
const CURL_S = '10';

/** Runs a client; resolves to what it wrote, rejects when it fails. */
export type RunClient = (...argv: readonly string[]) => Promise<string>;

/** A server and its client. */
export interface ProgramPair {
  /** Of the server's Deployment and Service. */
  readonly name: string;
  /** As tests call it. */
  readonly title: string;
  /** Where the server listens in its pod; no port is mapped. */
  readonly port: number;
  /** Absent: root. */
  readonly runAsUser?: number;
  /** Makes what the server needs in `directory`, which is its own; returns the command. */
  readonly server: (directory: string, at: SocketAddress) => readonly string[];
  /** Uses the server, and checks what it says. */
  readonly use: (run: RunClient, at: SocketAddress) => Promise<void>;
}

/** Why they cannot run here, as the `skip` of a test; false when they can. */
export const withoutPrograms = (): string | false =>
  without('redis-server', 'redis-cli', 'nginx', 'curl') || withoutPostgres() || withoutGrpcio();

/** Makes a database in "$1", lets everybody in, and serves it at port "$3" of "$2". */
const POSTGRES = `
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
initdb -D "$1" -U postgres -A trust --no-sync --no-locale -E UTF8 >/dev/null || exit
echo 'host all all 0.0.0.0/0 trust' >>"$1/pg_hba.conf"
exec postgres -D "$1" -F -h "$2" -p "$3" -c unix_socket_directories=`;

const redis: ProgramPair = {
  name: 'cache',
  title: 'redis-cli and Redis',
  port: 6379,
  server: (directory, { host, port }) => {
    const files = ['--dir', directory, '--save', ''];
    const listen = ['--bind', host, '--port', String(port), '--protected-mode', 'no'];
    return ['redis-server', ...listen, ...files];
  },
  use: async (run, { host, port }) => {
    const ask = (...command: readonly string[]): Promise<string> =>
      run('redis-cli', '-h', host, '-p', String(port), '--raw', ...command);
    assert.equal(await ask('SET', 'long', LONG), 'OK\n');
    assert.equal(await ask('GET', 'long'), `${LONG}\n`);
  },
};

const postgres: ProgramPair = {
  name: 'database',
  title: 'psql and PostgreSQL',
  port: 5432,
  runAsUser: NOBODY,
  server: (directory, { host, port }) => {
    chownSync(directory, NOBODY, NOBODY);
    return ['sh', '-c', POSTGRES, 'sh', path.join(directory, 'data'), host, String(port)];
  },
  use: async (run, { host, port }) => {
    const to = ['-h', host, '-p', String(port), '-U', 'postgres'];
    const ask = (statement: string): Promise<string> =>
      run('psql', ...to, '-X', '-A', '-t', '-c', statement);
    assert.equal(await ask('select 6 * 7'), '42\n');
    assert.equal(await ask(`select length(repeat('y', 4000000))`), '4000000\n');
    assert.equal((await ask(`select repeat('y', 1000000)`)).length, 1_000_001);
  },
};

const get = (run: RunClient, { host, port }: SocketAddress): Promise<string> =>
  run('curl', '-sS', '--fail', '--max-time', CURL_S, `http://${host}:${port}/page.txt`);

const pages: ProgramPair = {
  name: 'pages',
  title: 'curl and nginx',
  port: 8080,
  server: (directory, at) => {
    writeFileSync(path.join(directory, 'page.txt'), PAGE);
    return nginx(directory, at, `root ${directory};`);
  },
  use: async (run, at) => assert.equal(await get(run, at), PAGE),
};

const grpc: ProgramPair = {
  name: 'calls',
  title: 'gRPC, both ends grpcio',
  port: 50_051,
  server: (_, { host, port }) => [PYTHON, GRPC_ECHO, 'serve', `${host}:${port}`],
  use: async (run, { host, port }) => {
    const said = await run(PYTHON, GRPC_ECHO, 'call', `${host}:${port}`);
    assert.equal(said, 'whole 100000\neach True\nrefused NOT_FOUND nothing of that name\n');
  },
};

/** Each is reached by its client directly. */
export const PROGRAM_PAIRS: readonly ProgramPair[] = [redis, postgres, pages, grpc];

/** nginx that gets its pages from `pages`: it resolves the name and dials the address itself. */
export const PROGRAM_BEHIND: ProgramPair = {
  name: 'front',
  title: 'curl, nginx, and nginx behind it',
  port: 8080,
  server: (directory, at) => nginx(directory, at, `proxy_pass http://pages:${pages.port};`),
  use: pages.use,
};

/** nginx with its files in `directory`; `location` is what it does with requests. */
function nginx(directory: string, at: SocketAddress, location: string): readonly string[] {
  const own = path.join(directory, 'nginx');
  mkdirSync(own);
  const file = path.join(own, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${own}/${name};`,
  );
  writeFileSync(
    file,
    `user root;
daemon off;
pid ${own}/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  ${temporary.join('\n  ')}
  server { listen ${at.host}:${at.port}; location / { ${location} } }
}
`,
  );
  return ['nginx', '-e', 'stderr', '-p', own, '-c', file];
}
