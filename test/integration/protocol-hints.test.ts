import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Mesh, serviceKey } from '../support/mesh.ts';
import { serviceResources } from '../support/mesh-resources.ts';
import { callHttp2, connectHttp2 } from '../support/node-http2.ts';
import { headOf, readResponse } from '../support/raw-http.ts';
import { PeerServer, dial } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const HTTP1 = 'GET / HTTP/1.1';
const HTTP2 = 'PRI * HTTP/2.0';
/** What a client speaks, and the first line that the server behind the sidecar is sent for it. */
type Asked = readonly [client: 'http1' | 'http2', line: string];
const AS_RECEIVED: readonly Asked[] = [
  ['http1', HTTP1],
  ['http2', HTTP2],
];
const ALL_HTTP1: readonly Asked[] = AS_RECEIVED.map(([client]) => [client, HTTP1]);
const ALL_HTTP2: readonly Asked[] = AS_RECEIVED.map(([client]) => [client, HTTP2]);

/** Keeps the first line of each connection and answers nothing. */
class FirstLines implements AsyncDisposable {
  readonly server: PeerServer;
  readonly #lines: string[];

  private constructor(server: PeerServer, lines: string[]) {
    this.server = server;
    this.#lines = lines;
  }

  static async listen(): Promise<FirstLines> {
    const lines: string[] = [];
    const server = await PeerServer.listen(async (link) => {
      lines.push((await link.takeLine()).toString().trim());
      link.destroy();
    });
    return new FirstLines(server, lines);
  }

  get address(): string {
    return `127.0.0.1:${this.server.port}`;
  }

  /** The different lines since the last look. */
  take(): string[] {
    return [...new Set(this.#lines.splice(0))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}

/** The status of one request to `address`. */
async function ask(client: Asked[0], address: string): Promise<number> {
  if (client === 'http2') {
    const session = await connectHttp2(address);
    try {
      return (await callHttp2(session)).status;
    } finally {
      session.destroy();
    }
  }
  using link = await dial(address);
  await link.send(headOf(HTTP1, 'Host: web'));
  return Number((await readResponse(link)).startLine.split(' ')[1]);
}

async function check(address: string, lines: FirstLines, asked: readonly Asked[]): Promise<void> {
  for (const [client, line] of asked) {
    assert.equal(await ask(client, address), 502, `${client}: the server answers nothing`);
    assert.deepEqual(lines.take(), [line], client);
  }
}

for (const [flags, asked] of [
  [[], AS_RECEIVED],
  [['--forward-protocol', 'as-received'], AS_RECEIVED],
  [['--forward-protocol', 'http1'], ALL_HTTP1],
  [['--forward-protocol', 'http2'], ALL_HTTP2],
] as const) {
  it(`inbound speaks to its application as ${flags[1] ?? 'nothing'} says`, async () => {
    await using lines = await FirstLines.listen();
    await using sidecar = await Sidecar.inbound(lines.server.port, ...flags);
    await check(sidecar.inbound, lines, asked);
  });
}

for (const [scheme, asked] of [
  ['', AS_RECEIVED],
  ['http://', ALL_HTTP1],
  ['h2c://', ALL_HTTP2],
] as const) {
  it(`outbound speaks as "--to web=${scheme}ADDRESS" says`, async () => {
    await using lines = await FirstLines.listen();
    const to = ['--to', `web=${scheme}${lines.address}`];
    await using sidecar = await Sidecar.start('--outbound', '127.0.0.1:0', ...to);
    await check(sidecar.outbound, lines, asked);
  });
}

/** Service web with one endpoint, and what is said of its port. */
const web = (inbound: string, port: object): readonly object[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'demo', name: 'web' },
    spec: { ports: [{ name: 'http', port: 80, ...port }] },
  },
  ...serviceResources('web', [{ pod: 'web-1', inbound }]).slice(1),
];

it('outbound speaks as appProtocol of the Service says, from one moment to the next', async () => {
  await using mesh = await Mesh.start();
  await using lines = await FirstLines.listen();
  await mesh.write('service-web', web(lines.address, {}));
  await mesh.knows('web');
  const caller = await mesh.caller('bot-1', ['web']);
  const key = serviceKey('web');
  await check(caller.wayOut, lines, AS_RECEIVED);
  for (const [port, asked] of [
    [{ appProtocol: 'kubernetes.io/h2c' }, ALL_HTTP2],
    [{ appProtocol: 'http' }, AS_RECEIVED],
    [{ appProtocol: 'grpc' }, ALL_HTTP2],
  ] as const) {
    await mesh.whenAcked('bot-1', key, () => mesh.write('service-web', web(lines.address, port)));
    await check(caller.wayOut, lines, asked);
  }
});
