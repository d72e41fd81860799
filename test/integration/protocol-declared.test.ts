import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { Mesh, portOf } from '../support/mesh.ts';
import { deploymentResource, podResource, serviceResources } from '../support/mesh-resources.ts';
import { PeerServer, dial } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

/** Begins like HTTP and is none: who takes it for HTTP refuses it, who carries bytes does not. */
const ODD = 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n';
const REFUSED = /^HTTP\/1\.1 400 /;
const PREFIX = 'config.culvert.dev/';

/** Sends back what comes. */
const echo = (): Promise<PeerServer> =>
  PeerServer.listen(async (link) => {
    for (;;) {
      const some = await link.takeSome();
      if (some === undefined) break;
      await link.send(some);
    }
    link.halfClose();
  });

/** What comes back of ODD. */
async function answerAt(address: string): Promise<string> {
  using link = await dial(address);
  await link.send(ODD);
  link.halfClose();
  return (await link.untilEnded()).toString('latin1');
}

const becomesOpaque = (address: string): Promise<true> =>
  eventually('the port to be opaque', async () => (await answerAt(address)) === ODD || undefined);

type Annotations = Readonly<Record<string, string>>;

function annotated(resource: object, annotations: Annotations): object {
  const { metadata } = resource as { readonly metadata: object };
  const prefixed = Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [PREFIX + name, value]),
  );
  return { ...resource, metadata: { ...metadata, annotations: prefixed } };
}

/** The Service db on port 80, in front of a server without a sidecar. */
function database(server: PeerServer, annotations: Annotations): readonly object[] {
  const pods = [{ pod: 'db-1', inbound: `127.0.0.1:${server.port}` }];
  const [service, ...slices] = serviceResources('db', pods);
  assert.ok(service);
  return [annotated(service, annotations), ...slices];
}

for (const [form, annotations] of [
  ['opaque-ports', { 'opaque-ports': '79-81' }],
  ['app-protocol', { 'app-protocol': 'http=opaque' }],
] as const) {
  it(`${form} of a Service makes its port opaque to callers, from one moment to the next`, async () => {
    await using mesh = await Mesh.start();
    await using server = await echo();
    await mesh.write('service-db', database(server, {}));
    await mesh.knows('db');
    const { wayOut } = await mesh.caller('bot-1', ['db']);
    assert.match(await answerAt(wayOut), REFUSED);
    await mesh.write('service-db', database(server, annotations));
    await becomesOpaque(wayOut);
    await mesh.write('service-db', database(server, { ...annotations, 'app-protocol': 'http1' }));
    await eventually('the port to be HTTP', async () => REFUSED.test(await answerAt(wayOut)));
  });
}

it('a Service with an annotation that cannot be read is refused, and its last version stays', async () => {
  await using mesh = await Mesh.start();
  await using server = await echo();
  await mesh.write('service-db', database(server, { 'opaque-ports': '80' }));
  await mesh.knows('db');
  const { wayOut } = await mesh.caller('bot-1', ['db']);
  assert.equal(await answerAt(wayOut), ODD);
  await mesh.write('service-db', database(server, { 'opaque-ports': '80;81' }));
  const refusal = async (): Promise<string | undefined> =>
    (await mesh.problems('sources.files'))[0]?.problem;
  const said = await eventually('the refusal', refusal);
  assert.match(said, /service-db\.yaml:\d+: .*opaque-ports: must be a list of ports/);
  assert.equal(await answerAt(wayOut), ODD);
});

it('opaque-ports of a pod makes its own port opaque to whoever comes', async () => {
  await using mesh = await Mesh.start();
  await using server = await echo();
  const pod = podResource('db', 'db-1');
  await mesh.write('deployment-db', [deploymentResource('db')]);
  await mesh.write('pod-db-1', [pod]);
  const { inbound } = mesh.keep(await Sidecar.inbound(server.port, ...mesh.flags('db-1')));
  assert.match(await answerAt(inbound), REFUSED);
  const port = String(portOf(inbound));
  await mesh.write('pod-db-1', [annotated(pod, { 'opaque-ports': `1-2,${port}` })]);
  await becomesOpaque(inbound);
});

it('what a Service declares is told to the pods behind it too', async () => {
  await using mesh = await Mesh.start();
  await using server = await echo();
  await mesh.write('deployment-db', [deploymentResource('db')]);
  await mesh.write('pod-db-1', [podResource('db', 'db-1')]);
  const { inbound } = mesh.keep(await Sidecar.inbound(server.port, ...mesh.flags('db-1')));
  const [service, ...slices] = serviceResources('db', [{ pod: 'db-1', inbound }]);
  assert.ok(service);
  await mesh.write('service-db', [service, ...slices]);
  await mesh.knows('db');
  assert.match(await answerAt(inbound), REFUSED);
  const opaque = annotated(service, { 'app-protocol': 'http=opaque' });
  await mesh.write('service-db', [opaque, ...slices]);
  await becomesOpaque(inbound);
});

it('skip-outbound-ports of a pod makes them opaque from the pod, whatever a Service says', async () => {
  await using mesh = await Mesh.start();
  await using server = await echo();
  await mesh.write('service-db', database(server, { 'app-protocol': 'http1' }));
  await mesh.knows('db');
  const { wayOut } = await mesh.caller('bot-1', ['db']);
  assert.match(await answerAt(wayOut), REFUSED);
  const pod = annotated(podResource('bot', 'bot-1'), { 'skip-outbound-ports': '80' });
  await mesh.write('pod-bot-1', [pod]);
  await becomesOpaque(wayOut);
});
