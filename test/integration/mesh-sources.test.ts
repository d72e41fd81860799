import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/deadline.ts';
import { exitCodeOf } from '../support/exit-code.ts';
import { Load } from '../support/load.ts';
import { Mesh, serviceKey } from '../support/mesh.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One endpoint; a port that is a word is what people mistype. */
const slice = (port: number | string): string => `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  namespace: demo
  name: web-extra
  labels: { kubernetes.io/service-name: web }
addressType: IPv4
ports:
  - name: http
    port: ${port}
endpoints:
  - addresses: [127.0.0.1]
`;

interface Checked {
  readonly code: number;
  readonly checks: readonly { readonly problem: string }[];
}

/** What `meshctl check -o json` finds, and its exit code. */
async function check(api: string): Promise<Checked> {
  const done = Promise.withResolvers<Checked>();
  const args = ['base/launch.mjs', 'cli/main.ts', 'check', '-o', 'json', '--api', api];
  execFile(process.execPath, args, { cwd: ROOT }, (error, stdout) => {
    const { checks } = JSON.parse(stdout) as Checked;
    done.resolve({ code: exitCodeOf(error), checks });
  });
  return done.promise;
}

it('mesh lives on its last good resources while a file is broken under load', async () => {
  await using mesh = await Mesh.start();
  const replicas = await Promise.all(['web-1', 'web-2'].map((pod) => mesh.replica(pod)));
  const extra = await mesh.replica('web-3');
  const extraPort = Number(extra.inbound.split(':')[1]);
  const caller = await mesh.caller('bot-1', ['web']);
  await mesh.publish('web', replicas);
  await mesh.writeText('extra', slice(extraPort));
  await mesh.knows('web');
  await using load = new Load(caller.wayOut);
  const answersOf = (pod: string): number => load.bodies.get(pod) ?? 0;
  const serves = async (pod: string): Promise<void> => {
    const before = answersOf(pod);
    await eventually(`${pod} to serve`, () => answersOf(pod) > before + 30, 10_000);
  };
  await serves('web-3');

  const problem = async (): Promise<string | undefined> =>
    (await mesh.problems('sources.files'))[0]?.problem;
  // A field of the wrong type, then text that is no YAML at all, then half a file.
  const broken = [
    { text: slice('eighty'), where: /extra\.yaml:10: .*ports\[0\]\.port: .*"eighty"/ },
    { text: slice(extraPort).replace('{ kub', '{ { kub'), where: /extra\.yaml:\d+: / },
    { text: slice(extraPort).slice(0, 60), where: /extra\.yaml:\d+: / },
  ];
  for (const { text, where } of broken) {
    await mesh.writeText('extra', text);
    let last: string | undefined;
    await eventually(
      () => `a problem like ${where}, last ${last}`,
      async () => where.test((last = await problem()) ?? ''),
    );
    assert.match((await problem())!, /the last good version stays in force/);
    await serves('web-3');
  }
  const { code, checks } = await check(mesh.api);
  assert.equal(code, 2);
  assert.ok(checks.some(({ problem }) => /extra\.yaml:\d+: /.test(problem)));

  // Other resources are not taken down: this one changes while the other file is broken.
  await mesh.whenAcked('bot-1', serviceKey('web'), () => mesh.publish('web', [replicas[0]!]));
  await serves('web-3');

  await mesh.writeText('extra', slice(extraPort));
  await eventually('the problem to go', async () => (await problem()) === undefined);
  assert.equal((await check(mesh.api)).code, 0);
  await serves('web-3');
  assert.deepEqual((await load.stop()).failures, []);
});
