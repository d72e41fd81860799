/** A sidecar whose controller's address leads to something else: it says what, goes on, and recovers. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { FakeController, type FakeControlStream } from '../support/fake-controller.ts';
import { type PeerLink, PeerServer, unusedPort } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const owner = { namespace: 'demo', pod: 'web-1', workloadKind: 'deployment', workload: 'web' };

/** A sidecar without a listener but admin's, started for the controller at `port`. */
function sidecarOf(t: TestContext, port: number, ...flags: readonly string[]): Sidecar {
  const names = ['--pod-namespace', 'demo', '--pod-name', 'web-1'];
  const listen = ['--inbound', '127.0.0.1:0', '--forward', '127.0.0.1:9', '--admin', '127.0.0.1:0'];
  const sidecar = Sidecar.spawn(...listen, '--controller', `127.0.0.1:${port}`, ...names, ...flags);
  t.after(() => sidecar.stop());
  return sidecar;
}

const says = (sidecar: Sidecar, reason: RegExp): Promise<unknown> =>
  eventually(
    () => `a sidecar to say ${reason}: ${sidecar.stderr}`,
    () => {
      sidecar.assertRuns();
      return sidecar.stderr
        .split('\n')
        .some((line) => line.includes('the control stream ended') && reason.test(line));
    },
  );

async function controllerAt(t: TestContext, port: number): Promise<FakeController> {
  const controller = new FakeController();
  controller.port = port;
  await controller.listen();
  t.after(() => controller.stop());
  return controller;
}

function sayPod(stream: FakeControlStream): void {
  const value = { owner, ports: [], outboundPorts: [] };
  const resource = { $case: 'inbound', value } as const;
  stream.say({ $case: 'update', value: { key: '', version: { epoch: 1, counter: 1 }, resource } });
}

const http1 = async (link: PeerLink): Promise<void> => {
  await link.send('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  link.halfClose();
};

for (const [what, script, reason] of [
  ['speaks HTTP/1.1', http1, /broke HTTP\/2: The first frame was not SETTINGS\./],
  [
    'speaks nothing that anybody knows',
    (link) => link.send(Buffer.concat([Buffer.alloc(9, 0xff), randomBytes(50_000)])),
    /broke HTTP\/2: /,
  ],
  ['hangs up', (link) => link.halfClose(), /ended the connection before it said SETTINGS\./],
  ['says nothing', () => undefined, /said no SETTINGS within 300 ms\./],
] as const satisfies readonly (readonly [string, (link: PeerLink) => unknown, RegExp])[]) {
  it(`a sidecar whose controller ${what} says so, and is ready once there is one`, async (t) => {
    const wrong = await PeerServer.listen(script);
    t.after(() => wrong.close().catch(() => undefined));
    const { port } = wrong;
    const sidecar = sidecarOf(t, port, '--head-timeout-ms', '300');
    await says(sidecar, reason);
    await wrong.close();
    const controller = await controllerAt(t, port);
    sayPod(await controller.stream(1));
    await sidecar.untilReady(20_000);
  });
}

describe('a sidecar', () => {
  it('whose controller refuses says so, with its address', async (t) => {
    const port = await unusedPort();
    const sidecar = sidecarOf(t, port);
    await says(sidecar, new RegExp(`Cannot connect to [^ ]*:${port}: ECONNREFUSED\\.`));
  });

  it('whose controller is cut off without a word notices, and finds it again', async (t) => {
    const controller = await controllerAt(t, 0);
    const sockets: net.Socket[] = [];
    let frozen = false;
    const relay = net.createServer((near) => {
      const far = net.connect(controller.port, '127.0.0.1');
      sockets.push(near, far);
      near.on('data', (bytes) => frozen || far.write(bytes));
      far.on('data', (bytes) => frozen || near.write(bytes));
      for (const socket of [near, far]) socket.on('error', () => undefined);
    });
    relay.listen(0, '127.0.0.1');
    t.after(() => {
      relay.close();
      for (const socket of sockets) socket.destroy();
    });
    await once(relay, 'listening');
    const { port } = relay.address() as net.AddressInfo;
    const times = ['--ping-after-ms', '500', '--ping-timeout-ms', '500'];
    const sidecar = sidecarOf(t, port, ...times);
    const first = await controller.stream(1);
    first.welcome(60_000);
    sayPod(first);
    await sidecar.untilReady();
    frozen = true;
    await says(sidecar, /The peer answered no PING within 500 ms\./);
    frozen = false;
    await controller.stream(2);
    assert.equal((await sidecar.admin('/ready')).status, 200, 'all the time');
  });
});
