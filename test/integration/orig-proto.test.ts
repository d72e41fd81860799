import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { Http2Peer } from '../support/http2-peer.ts';
import { headers, lastHeaders, requestBlock } from '../support/http2-wire.ts';
import { Load } from '../support/load.ts';
import { Mesh, samplesOf, serviceKey } from '../support/mesh.ts';
import { deploymentResource, podResource, serviceResources } from '../support/mesh-resources.ts';
import { sumOf } from '../support/prometheus-text.ts';
import {
  type Message,
  headOf,
  okAnswer,
  readRequest,
  readRequestBody,
  readRequestHead,
  readResponse,
  statusOf,
  valuesOf,
} from '../support/raw-http.ts';
import { PeerServer, type PeerLink, dial } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const FIELD = 'culvert-orig-proto';
const ANNOTATION = 'config.culvert.dev/http1-transport';
const HTTP1 = 'GET / HTTP/1.1';
const HTTP2 = 'PRI * HTTP/2.0';

/** Service web with one endpoint, and what its annotations say. */
function web(inbound: string, transport: string | undefined, port: object = {}): object[] {
  const [, ...slices] = serviceResources('web', [{ pod: 'web-1', inbound }]);
  const annotations = transport === undefined ? {} : { [ANNOTATION]: transport };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'demo', name: 'web', annotations },
    spec: { ports: [{ name: 'http', port: 80, ...port }] },
  };
  return [service, ...slices];
}

/** An application that keeps what it is asked. */
class Application implements AsyncDisposable {
  readonly requests: Message[] = [];
  server!: PeerServer;

  static async listen(answer?: (link: PeerLink) => Promise<unknown>): Promise<Application> {
    const application = new Application();
    const reply =
      answer ?? ((link) => link.send(okAnswer('ok', `${FIELD}: HTTP/1.0`, 'X-Mine: 1')));
    application.server = await PeerServer.listen(async (link) => {
      for (;;) {
        application.requests.push(await readRequest(link));
        await reply(link);
      }
    });
    return application;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}

const errorsOf = async (sidecar: Sidecar, error: string): Promise<number> =>
  sumOf(await samplesOf(sidecar), 'proxy_errors_total', { error });

/** Requests whose clients went away. */
const cancelled = async (sidecar: Sidecar): Promise<number> =>
  sumOf(await samplesOf(sidecar), 'response_cancel_total');

/** Connections that came to the inbound sidecar. */
const opened = async (sidecar: Sidecar): Promise<number> =>
  sumOf(await samplesOf(sidecar), 'tcp_open_total', { direction: 'inbound', peer: 'src' });

/** A way out to web at sidecars, stand-alone. */
const riding = (transport: string, ...inbound: readonly Sidecar[]): Promise<Sidecar> => {
  const addresses = inbound.map((one) => one.inbound).join(',');
  const to = ['--to', `web:80=sidecar://${addresses}`, '--http1-transport', transport];
  return Sidecar.start('--way-out', '127.0.0.1:0=web:80', ...to);
};

it('64 clients of one service share few connections between its sidecars', async () => {
  await using mesh = await Mesh.start();
  await using application = await Application.listen();
  await mesh.write('deployment-web', [deploymentResource('web')]);
  await mesh.write('pod-web-1', [podResource('web', 'web-1')]);
  const inbound = mesh.keep(await Sidecar.inbound(application.server.port, ...mesh.flags('web-1')));
  const caller = await mesh.caller('bot-1', ['web'], { flags: ['--threads', '2'] });
  await mesh.write('service-web', web(inbound.inbound, 'http2'));
  await mesh.knows('web');
  await using load = new Load(caller.wayOut, {
    clients: 64,
    closes: (n) => n % 5 === 0,
    bodyBytes: (n) => (n % 3 === 0 ? 20 : 0),
  });
  await eventually('the load to run', () => load.succeeded > 600, 30_000);
  const { failures, sent } = await load.stop();
  assert.deepEqual(failures, []);
  const connections = await opened(inbound);
  assert.ok(connections >= 1 && connections <= 4, `${connections} connections`);
  // Each is counted once at either end, and as the same.
  const [out, into] = await Promise.all([samplesOf(caller), samplesOf(inbound)]);
  for (const name of ['request_total', 'response_total']) {
    assert.equal(sumOf(out, name, { direction: 'outbound' }), sent, name);
    assert.equal(sumOf(into, name, { direction: 'inbound' }), sent, name);
  }
  const success = { status_code: '200', classification: 'success' };
  assert.equal(sumOf(into, 'response_total', success), sent);
  await eventually('the controller to tell each of them once', async () => {
    const totals = [await mesh.outboundTotals('web'), await mesh.inboundTotals('web')];
    return totals.every((one) => one.success === sent && one.failure === 0);
  });
  for (const { fields } of application.requests) assert.deepEqual(valuesOf(fields, FIELD), []);
});

it('a request rides as the annotation of its service says, from one moment to the next', async () => {
  await using mesh = await Mesh.start();
  const lines: string[] = [];
  await using server = await PeerServer.listen(async (link) => {
    lines.push((await link.takeLine()).toString().trim());
    link.destroy();
  });
  const address = `127.0.0.1:${server.port}`;
  await mesh.write('pod-web-1', [podResource('web', 'web-1')]);
  await mesh.write('service-web', web(address, undefined));
  await mesh.knows('web');
  const caller = await mesh.caller('bot-1', ['web']);
  const defaulted = await mesh.caller('bot-2', ['web'], { flags: ['--http1-transport', 'http2'] });
  /** The first lines that the endpoint gets of a request. */
  const ask = async (sidecar: Sidecar, ...more: readonly string[]): Promise<string[]> => {
    using link = await dial(sidecar.wayOut);
    await link.send(headOf(HTTP1, 'Host: web', ...more));
    assert.equal(statusOf(await readResponse(link)), 502);
    return [...new Set(lines.splice(0))];
  };
  assert.deepEqual(await ask(caller), [HTTP1]);
  assert.deepEqual(await ask(defaulted), [HTTP2]);
  const key = serviceKey('web');
  for (const [resources, theirs, ours] of [
    [web(address, 'http2'), HTTP2, HTTP2],
    [web(address, 'http1'), HTTP1, HTTP1],
    [web(address, undefined, { appProtocol: 'kubernetes.io/h2c' }), HTTP2, HTTP2],
  ] as const) {
    await Promise.all(
      ['bot-1', 'bot-2'].map((pod, i) =>
        mesh.whenAcked(pod, key, () =>
          i === 0 ? mesh.write('service-web', resources) : Promise.resolve(),
        ),
      ),
    );
    assert.deepEqual(await ask(caller), [theirs]);
    assert.deepEqual(await ask(defaulted), [ours]);
  }
  await mesh.whenAcked('bot-1', key, () => mesh.write('service-web', web(address, 'http2')));
  const upgrade = ['Connection: upgrade', 'Upgrade: websocket'];
  assert.deepEqual(await ask(caller, ...upgrade), [HTTP1], 'upgrades stay on HTTP/1.1');
  // A pod without a sidecar.
  const pod = podResource('web', 'web-1') as { metadata: { labels: object } };
  pod.metadata.labels = { app: 'web' };
  await mesh.whenAcked('bot-1', key, () => mesh.write('pod-web-1', [pod]));
  assert.deepEqual(await ask(caller), [HTTP1], 'its pod has no sidecar');
});

describe('culvert-orig-proto', () => {
  it('of a stranger is taken by its word, and dropped', async () => {
    await using application = await Application.listen();
    await using inbound = await Sidecar.inbound(application.server.port);
    const stranger = await Http2Peer.dial(inbound.inbound, { givesCredit: true });
    const stream = stranger.open();
    const fields = [
      [FIELD, 'HTTP/1.1; names=train'],
      ['x-their', '1'],
    ] as const;
    void stranger.send(lastHeaders(stream, requestBlock('GET', '/a', ...fields)));
    const answer = await stranger.message(stream);
    assert.deepEqual([answer.fields[0]?.value, answer.body.toString()], ['200', 'ok']);
    const [request] = application.requests;
    assert.equal(request?.startLine, 'GET /a HTTP/1.1');
    assert.deepEqual(request?.fields, [
      ['Host', 'web'],
      ['X-Their', '1'],
    ]);
    stranger.link.destroy();
  });

  for (const [what, values] of [
    ['malformed', ['HTTP/2']],
    ['there twice', ['HTTP/1.1', 'HTTP/1.1']],
  ] as const) {
    it(`that is ${what} is answered 400, counted, and reaches nobody`, async () => {
      await using application = await Application.listen();
      await using inbound = await Sidecar.inbound(application.server.port);
      const stranger = await Http2Peer.dial(inbound.inbound);
      const stream = stranger.open();
      const fields = values.map((value) => [FIELD, value] as const);
      void stranger.send(headers(stream, requestBlock('POST', '/a', ...fields)));
      const head = await stranger.frame('head', (frame) => frame.stream === stream);
      assert.equal(head.block?.fields[0]?.value, '400');
      assert.equal(await errorsOf(inbound, 'malformed-request'), 1);
      assert.equal(application.server.links.length, 0);
      stranger.link.destroy();
    });
  }

  it('means nothing on HTTP/1.1, and is dropped', async () => {
    await using application = await Application.listen();
    await using inbound = await Sidecar.inbound(application.server.port);
    using client = await dial(inbound.inbound);
    await client.send(headOf('GET /a HTTP/1.1', 'Host: web', `${FIELD}: HTTP/9`, 'X-A: 1'));
    const response = await readResponse(client);
    assert.equal(statusOf(response), 200);
    assert.deepEqual(valuesOf(response.fields, FIELD), []);
    assert.deepEqual(application.requests[0]?.fields, [
      ['Host', 'web'],
      ['X-A', '1'],
    ]);
  });

  it('that an application sends is dropped by its own sidecar, right or wrong', async () => {
    await using application = await Application.listen();
    await using outbound = await Sidecar.outbound([application.server.port]);
    using client = await dial(outbound.outbound);
    await client.send(headOf('GET /a HTTP/1.1', 'Host: web', `${FIELD}: HTTP/1.1`));
    assert.equal(statusOf(await readResponse(client)), 200);
    assert.deepEqual(application.requests[0]?.fields, [['Host', 'web']]);
    const to = ['--to', `web=http://127.0.0.1:${application.server.port}`];
    await using http2 = await Sidecar.start('--outbound', '127.0.0.1:0', ...to);
    const own = await Http2Peer.dial(http2.outbound);
    const stream = own.open();
    const block = requestBlock('GET', '/b', [FIELD, 'nonsense']);
    void own.send(lastHeaders(stream, block));
    const answer = await own.message(stream);
    assert.equal(answer.fields[0]?.value, '200');
    assert.deepEqual(
      answer.fields.filter(({ name }) => name === FIELD),
      [],
    );
    assert.deepEqual(application.requests[1]?.fields, [['Host', 'web']]);
    own.link.destroy();
  });
});

for (const transport of ['http1', 'http2']) {
  describe(`an inbound sidecar that dies, on ${transport}`, () => {
    it('costs a POST that was under way: 502', async () => {
      const asked = Promise.withResolvers<void>();
      await using application = await Application.listen(async () => {
        asked.resolve();
        await new Promise(() => undefined);
      });
      await using inbound = await Sidecar.inbound(application.server.port);
      await using outbound = await riding(transport, inbound);
      using client = await dial(outbound.wayOut);
      await client.send(`${headOf('POST /a HTTP/1.1', 'Host: web', 'Content-Length: 2')}ab`);
      await asked.promise;
      await inbound.stop();
      assert.equal(statusOf(await readResponse(client)), 502);
      assert.equal(client.ended, false, 'the connection of the client is kept');
    });

    it('costs no GET on a connection that has served: another replica answers', async () => {
      const applications: Application[] = [];
      const sidecars: Sidecar[] = [];
      let held: Sidecar | undefined;
      try {
        for (const i of [0, 1]) {
          const application = await Application.listen(async (link) => {
            const { startLine } = application.requests.at(-1)!;
            // The first that is asked for it does not answer.
            if (startLine.startsWith('GET /hold ') && held === undefined) held = sidecars[i];
            else await link.send(okAnswer(`replica ${i}`));
          });
          applications.push(application);
          sidecars.push(await Sidecar.inbound(application.server.port));
        }
        await using outbound = await riding(transport, ...sidecars);
        using client = await dial(outbound.wayOut);
        const get = (path: string): Promise<boolean> =>
          client.send(headOf(`GET ${path} HTTP/1.1`, 'Host: web'));
        await eventually('both replicas to have answered', async () => {
          await get('/');
          await readResponse(client);
          return applications.every(({ requests }) => requests.length > 1);
        });
        await get('/hold');
        const lost = await eventually('one to hold it', () => held);
        await lost.stop();
        const response = await readResponse(client);
        assert.equal(statusOf(response), 200);
        assert.equal(response.body.toString(), `replica ${sidecars.indexOf(lost) === 0 ? 1 : 0}`);
      } finally {
        await Promise.all(sidecars.map((one) => one.stop()));
        await Promise.all(applications.map(({ server }) => server.close()));
      }
    });

    it('cuts an answer that has begun', async () => {
      await using application = await Application.listen((link) =>
        link.send(`${headOf('HTTP/1.1 200 OK', 'Content-Length: 10')}half`),
      );
      await using inbound = await Sidecar.inbound(application.server.port);
      await using outbound = await riding(transport, inbound);
      using client = await dial(outbound.wayOut);
      await client.send(headOf('GET /a HTTP/1.1', 'Host: web'));
      await client.arrived('half');
      await inbound.stop();
      const all = (await client.untilEnded()).toString();
      assert.match(all, /^HTTP\/1\.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf$/);
    });
  });
}

for (const transport of ['http1', 'http2']) {
  describe(`a request between two sidecars, on ${transport}`, () => {
    it('waits for 100 (Continue) when its client does', async () => {
      await using server = await PeerServer.listen(async (link) => {
        const head = await readRequestHead(link);
        assert.deepEqual(valuesOf(head.fields, 'expect'), ['100-continue']);
        await link.send(headOf('HTTP/1.1 100 Go on'));
        const { body } = await readRequestBody(link, head);
        await link.send(okAnswer(`got ${body.toString()}`));
      });
      await using inbound = await Sidecar.inbound(server.port);
      await using outbound = await riding(transport, inbound);
      using client = await dial(outbound.wayOut);
      const lines = ['Host: web', 'Expect: 100-continue', 'Content-Length: 4'];
      await client.send(headOf('PUT /a HTTP/1.1', ...lines));
      await client.arrived('HTTP/1.1 100 Go on\r\n\r\n');
      await client.send('body');
      const response = await readResponse(client);
      assert.deepEqual([statusOf(response), response.body.toString()], [200, 'got body']);
      assert.deepEqual(server.failures, []);
    });

    it('carries 8 MB either way, whole', async () => {
      const bytes = randomBytes(8 * 1024 * 1024);
      await using server = await PeerServer.listen(async (link) => {
        const { body } = await readRequest(link);
        await link.send(headOf('HTTP/1.1 200 OK', `Content-Length: ${body.length}`));
        await link.send(body);
      });
      await using inbound = await Sidecar.inbound(server.port);
      await using outbound = await riding(transport, inbound);
      using client = await dial(outbound.wayOut, { record: false });
      const head = headOf('POST /a HTTP/1.1', 'Host: web', `Content-Length: ${bytes.length}`);
      const sent = client.send(Buffer.concat([Buffer.from(head), bytes]));
      const { body } = await readResponse(client);
      await sent;
      assert.ok(body.equals(bytes));
    });

    it('is cancelled at the application when its client goes', async () => {
      const began = Promise.withResolvers<PeerLink>();
      await using server = await PeerServer.listen(async (link) => {
        await readRequest(link);
        began.resolve(link);
        await link.untilEnded();
      });
      await using inbound = await Sidecar.inbound(server.port);
      await using outbound = await riding(transport, inbound);
      const client = await dial(outbound.wayOut);
      await client.send(headOf('GET /a HTTP/1.1', 'Host: web'));
      const link = await began.promise;
      client.reset();
      await eventually('its connection to end', () => link.ended);
      await eventually('both to have counted it', async () => {
        return (await cancelled(inbound)) === 1 && (await cancelled(outbound)) === 1;
      });
    });
  });
}
