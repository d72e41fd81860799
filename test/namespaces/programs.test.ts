/** Programs of others in network namespaces, as they are installed: nothing of a mesh is told them. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { stringify } from 'yaml';
import { DevMesh } from '../support/dev-mesh.ts';
import { without } from '../support/foreign.ts';
import { inPod, NETNS, withoutNamespaces } from '../support/namespaces.ts';
import { withoutPostgres } from '../support/postgres.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';

const skip =
  withoutNamespaces() ||
  without('redis-server', 'redis-cli', 'nginx', 'curl') ||
  withoutPostgres();

const NAMESPACE = 'programs';
/** "nobody": PostgreSQL refuses to run as root. */
const NOBODY = 65_534;
const LONG = 'x'.repeat(100_000);
const PAGE = 'A page of no meaning.\n'.repeat(10_000);

interface Workload {
  readonly name: string;
  readonly command: readonly string[];
  readonly containerPort: number;
  readonly port: number;
  readonly runAsUser?: number;
}

/** A Deployment and its Service. */
const resourcesOf = ({ name, command, containerPort, port, runAsUser }: Workload): string =>
  [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: NAMESPACE },
      spec: {
        template: {
          metadata: { labels: { app: name } },
          spec: {
            securityContext: runAsUser === undefined ? {} : { runAsUser },
            containers: [{ name, command, ports: [{ containerPort }] }],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: NAMESPACE },
      spec: { selector: { app: name }, ports: [{ port, targetPort: containerPort }] },
    },
  ]
    .map((resource) => `---\n${stringify(resource)}`)
    .join('');

const REDIS = ['--bind', '0.0.0.0', '--protected-mode', 'no', '--save', ''];

/** Makes a database in "$1", lets everybody in, and serves it. */
const POSTGRES = `
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
initdb -D "$1" -U postgres -A trust --no-sync --no-locale -E UTF8 >/dev/null || exit
echo 'host all all 0.0.0.0/0 trust' >>"$1/pg_hba.conf"
exec postgres -D "$1" -F -h 0.0.0.0 -p 5432 -c unix_socket_directories=`;

/** nginx in front of `directory`; `location` is what it does with requests. */
function nginx(directory: string, location: string): readonly string[] {
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  );
  writeFileSync(
    file,
    `user root;
daemon off;
pid ${directory}/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  ${temporary.join('\n  ')}
  server { listen 0.0.0.0:8080; location / { ${location} } }
}
`,
  );
  return ['nginx', '-e', 'stderr', '-p', directory, '-c', file];
}

function manifestIn(directory: string): string {
  const pages = path.join(directory, 'pages');
  const cache = path.join(directory, 'cache');
  const database = path.join(directory, 'database');
  mkdirSync(pages);
  mkdirSync(cache);
  mkdirSync(database);
  chownSync(database, NOBODY, NOBODY);
  writeFileSync(path.join(pages, 'page.txt'), PAGE);
  const data = path.join(database, 'data');
  const workloads: readonly Workload[] = [
    {
      name: 'cache',
      command: ['redis-server', '--port', '6379', '--dir', cache, ...REDIS],
      ...{ containerPort: 6379, port: 6379 },
    },
    {
      name: 'database',
      command: ['sh', '-c', POSTGRES, 'sh', data],
      ...{ containerPort: 5432, port: 5432, runAsUser: NOBODY },
    },
    {
      name: 'pages',
      command: nginx(path.join(directory, 'nginx-pages'), `root ${pages};`),
      ...{ containerPort: 8080, port: 80 },
    },
    {
      // It resolves the name and dials the address itself.
      name: 'front',
      command: nginx(path.join(directory, 'nginx-front'), 'proxy_pass http://pages;'),
      ...{ containerPort: 8080, port: 80 },
    },
  ];
  const file = path.join(directory, 'programs.yaml');
  writeFileSync(file, workloads.map(resourcesOf).join(''));
  return file;
}

let directory: string | undefined;
let dev: DevMesh | undefined;
before(async () => {
  if (skip !== false) return;
  directory = mkdtempSync(path.join(tmpdir(), 'culvert-programs-'));
  // Who runs in a pod must get there.
  chmodSync(directory, 0o755);
  dev = await DevMesh.start(manifestIn(directory), NAMESPACE, NETNS);
});
after(async () => {
  await dev?.[Symbol.asyncDispose]();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

/** What a program says that runs in the pod of nobody in particular. */
const fromCaller = (...argv: readonly string[]): Promise<string> => inPod('caller-1', ...argv);

/** Connections that came to the sidecar of the first pod, and that it opened to its application. */
async function carriedTo(deployment: string): Promise<readonly [number, number]> {
  const admin = dev?.pods(deployment)[0]?.sidecarAdmin;
  const samples = parseSamples(await (await fetch(`http://${admin}/metrics`)).text());
  const opened = (peer: string): number =>
    sumOf(samples, 'tcp_open_total', { direction: 'inbound', peer });
  return [opened('src'), opened('dst')];
}

async function isCarried(deployment: string, use: () => Promise<void>): Promise<void> {
  const [inBefore] = await carriedTo(deployment);
  await use();
  const [inNow, outNow] = await carriedTo(deployment);
  assert.ok(inNow > inBefore, `nothing came to the sidecar of ${deployment}`);
  assert.ok(outNow > 0, `the sidecar of ${deployment} dialled nobody`);
}

it('Programs in namespaces: redis-cli and Redis', { skip }, () =>
  isCarried('cache', async () => {
    const ask = (...command: readonly string[]): Promise<string> =>
      fromCaller('redis-cli', '-h', 'cache', '--raw', ...command);
    assert.equal(await ask('SET', 'long', LONG), 'OK\n');
    assert.equal(await ask('GET', 'long'), `${LONG}\n`);
  }),
);

it('Programs in namespaces: psql and PostgreSQL', { skip }, () =>
  isCarried('database', async () => {
    const ask = (statement: string): Promise<string> =>
      fromCaller('psql', '-h', 'database', '-U', 'postgres', '-X', '-A', '-t', '-c', statement);
    assert.equal(await ask('select 6 * 7'), '42\n');
    assert.equal(await ask(`select length(repeat('y', 4000000))`), '4000000\n');
    assert.equal((await ask(`select repeat('y', 1000000)`)).length, 1_000_001);
  }),
);

it('Programs in namespaces: curl, nginx, and nginx behind it', { skip }, () =>
  isCarried('front', () =>
    isCarried('pages', async () => {
      const get = (host: string): Promise<string> =>
        fromCaller('curl', '-sS', '--fail', '--max-time', '10', `http://${host}/page.txt`);
      assert.equal(await get('pages'), PAGE);
      assert.equal(await get('front'), PAGE);
    }),
  ),
);

it('Programs in namespaces: a port that nobody listens on is refused', { skip }, async () => {
  const address = dev?.pods('pages')[0]?.address;
  const asked = fromCaller('curl', '-sS', '--max-time', '5', `http://${address}:8081/`);
  await assert.rejects(asked, (error) => {
    // It failed (7), had no answer (52) or was reset (56); after five seconds it would be 28.
    return error instanceof Error && 'code' in error && [7, 52, 56].includes(Number(error.code));
  });
});
