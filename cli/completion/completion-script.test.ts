/** The scripts in the shells that they are for: keys are typed on a terminal, and the line is run. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { MeshService, ResourceKind, StatRow } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { MeshServer } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { withDeadline } from '../../test/support/deadline.ts';
import { SHELLS } from './completion-script.ts';
import type { Shell } from './completion-script.ts';

const LAUNCHER = fileURLToPath(new URL('../../base/launch.mjs', import.meta.url));
const {
  RESOURCE_KIND_DEPLOYMENT,
  RESOURCE_KIND_NAMESPACE,
  RESOURCE_KIND_ROUTE,
  RESOURCE_KIND_AUTHORITY,
} = ResourceKind;

/** A route that a client has made up. */
const EVIL = 'GET /evil/`id`/$(id)/${HOME}/"\\;x';

/** What the mesh has, by namespace and kind. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  [`:${RESOURCE_KIND_NAMESPACE}`]: ['demo', 'other'],
  [`demo:${RESOURCE_KIND_DEPLOYMENT}`]: ['parcels', 'web'],
  [`other:${RESOURCE_KIND_DEPLOYMENT}`]: ['mailer'],
  [`demo:${RESOURCE_KIND_ROUTE}`]: [
    'GET /parcels/{id}',
    EVIL,
    `GET /both/'!`,
    'GET /line/1',
    'GET /line/1\necho',
    'GET /line/1\t\u001b[1m',
  ],
  [`demo:${RESOURCE_KIND_AUTHORITY}`]: ['rates.demo.svc.cluster.local:7082', 'web.demo:80'],
};

const refuse = (): never => assert.fail('not asked by a completion');
const mesh: MeshServer = {
  version: refuse,
  selfCheck: refuse,
  listPods: refuse,
  listEndpoints: refuse,
  statSummary: ({ request: { resource } }, done) => {
    const names = NAMES[`${resource?.namespace}:${resource?.kind}`] ?? [];
    done(null, { rows: names.map((name) => StatRow.fromPartial({ name })), windowSeconds: 60 });
  },
};

const server = new Server();
const directory = mkdtempSync(path.join(tmpdir(), 'culvert-completion-'));

before(async () => {
  server.addService(MeshService, mesh);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  const address = `127.0.0.1:${await promise}`;
  for (const shell of SHELLS) {
    const script = execFileSync(process.execPath, [LAUNCHER, 'cli/main.ts', 'completion', shell]);
    writeFileSync(path.join(directory, `script.${shell}`), script);
  }
  // Completes as meshctl does, and shows how it was called when the line is run.
  const stub = path.join(directory, 'meshctl');
  const real = `'${process.execPath}' '${LAUNCHER}' cli/main.ts`;
  writeFileSync(
    stub,
    `#!/bin/sh\nif [ "$1" = completion-words ]; then CULVERT_API=${address} exec ${real} "$@"; fi\nprintf 'ran'; printf '<%s>' "$@"; echo .\n`,
  );
  chmodSync(stub, 0o755);
});
after(() => {
  server.forceShutdown();
  rmSync(directory, { recursive: true, force: true });
});

/** How each shell starts, without anybody's own settings, and loads its script. */
const COMMANDS: Readonly<Record<Shell, string>> = {
  bash: `bash --norc --noprofile -i`,
  zsh: `zsh -f -i`,
  fish: `fish --no-config -i`,
};
const LOAD: Readonly<Record<Shell, string>> = {
  bash: `source '${directory}/script.bash'`,
  zsh: `autoload -U compinit; compinit -D -u; source '${directory}/script.zsh'`,
  fish: `source '${directory}/script.fish'`,
};

/** Types the lines, each followed by Enter, and gives what meshctl was called with for each. */
async function run(shell: Shell, lines: readonly string[]): Promise<readonly string[]> {
  const child = spawn('script', ['-qefc', COMMANDS[shell], '/dev/null'], {
    env: {
      PATH: `${directory}:${process.env['PATH']}`,
      HOME: directory,
      TERM: 'dumb',
      LC_ALL: 'C',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let shown = '';
  let ran: readonly string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    ran = [...shown.matchAll(/ran(<[^\r\n]*>)\./g)].map(([, words = '']) => words);
    const line = lines[ran.length];
    if (ran.length > 0 && line === undefined) resolve();
    else if (ran.length !== typed) type();
  });
  let typed = -1;
  const type = (): void => {
    typed = ran.length;
    child.stdin.write(`${lines[typed]}\n`);
  };
  child.on('close', () => resolve());
  try {
    child.stdin.write(`${LOAD[shell]}\n`);
    await withDeadline(`${shell} to run ${lines.length} lines`, promise, 30_000).catch(
      (error: unknown) => {
        throw new Error(`it shows ${JSON.stringify(shown)}`, { cause: error });
      },
    );
    return ran;
  } finally {
    child.stdin.end();
    child.kill('SIGKILL');
  }
}

const absent = (program: string): string | false =>
  spawnSync(program, ['--version']).error === undefined ? false : `${program} is not installed`;

/** What is typed, Tab as \t, and what meshctl is then called with. */
const LINES: readonly (readonly [typed: string, called: string])[] = [
  ['meshctl comp\tba\t', '<completion><bash>'],
  ['meshctl stat --time-w\t5m al\t', '<stat><--time-window><5m><all>'],
  ['meshctl stat deploy -o w\t', '<stat><deploy><-o><wide>'],
  ['meshctl check --output=j\t', '<check><--output=json>'],
  ['meshctl dev --network l\t', '<dev><--network><loopback>'],
  ['meshctl stat -n de\tdeploy/we\t', '<stat><-n><demo><deploy/web>'],
  ['meshctl stat deploy -n demo pa\t', '<stat><deploy><-n><demo><parcels>'],
  [
    'meshctl stat deploy --from-namespace other --from dep\tma\t',
    '<stat><deploy><--from-namespace><other><--from><deploy/mailer>',
  ],
  [
    'meshctl stat au -n demo rates.demo.svc.cluster.local:7\t',
    '<stat><au><-n><demo><rates.demo.svc.cluster.local:7082>',
  ],
  ['meshctl stat route -n demo GET\\ /p\t', '<stat><route><-n><demo><GET /parcels/{id}>'],
  ['meshctl stat route -n demo GET\\ /e\t', `<stat><route><-n><demo><${EVIL}>`],
  ['meshctl stat route -n demo "GET /e\t', `<stat><route><-n><demo><${EVIL}>`],
  ["meshctl stat route -n demo 'GET /e\t", `<stat><route><-n><demo><${EVIL}>`],
  ['meshctl stat route -n demo GET\\ /l\t', '<stat><route><-n><demo><GET /line/1>'],
];

/** In bash a name stays as it was typed where its quote cannot hold the rest. */
const BASH_LINES: typeof LINES = [
  [`meshctl stat route -n demo 'GET /b\t'`, '<stat><route><-n><demo><GET /b>'],
  [`meshctl stat route -n demo "GET /b\t"`, '<stat><route><-n><demo><GET /b>'],
  [`meshctl stat route -n demo GET" /e\t"`, '<stat><route><-n><demo><GET /e>'],
  [`meshctl stat route -n demo GET\\ /b\t`, `<stat><route><-n><demo><GET /both/'!>`],
];

for (const shell of SHELLS) {
  const skip = absent('script') || absent(shell);
  test(`${shell} completes commands, flags, values and what the mesh has`, { skip }, async () => {
    const lines = shell === 'bash' ? [...LINES, ...BASH_LINES] : LINES;
    const called = await run(
      shell,
      lines.map(([typed]) => typed),
    );
    assert.deepEqual(
      called,
      lines.map(([, words]) => words),
    );
  });
}
