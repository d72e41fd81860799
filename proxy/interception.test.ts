/** Where redirected connections go, and what they hear that go nowhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketAddress } from '../base/settings.ts';
import { endpointResource } from '../test/support/endpoints.ts';
import { InterceptionBench, POD } from '../test/support/interception-bench.ts';
import type { MemoryPeer, React } from '../test/support/memory-world.ts';
import { GET, LISTEN, OK, answering, serving } from '../test/support/stack-bench.ts';
import { PortTable } from './detect/port-table.ts';
import { interceptedInbound } from './interception.ts';
import { limits, timeouts } from './limits.ts';
import type { DestinationResource } from './model/destination.ts';
import { sumDetections } from './observe/detection-counts.ts';
import { type Listener, NOBODY } from './transport/link.ts';

const APPLICATION = { host: POD, port: 8080 };
const SERVICE = { host: '10.96.0.10', port: 80 };
const KEY = '10.96.0.10:80';
const OUTSIDE = { host: '192.0.2.7', port: 80 };
const OUTSIDE_KEY = '192.0.2.7:80';
/** PostgreSQL's SSLRequest. */
const STARTUP = '\0\0\0\x08\x04\xd2\x16\x2f';
const POST = 'POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\nab';

const at = (host: string) => ({ host, port: 80 });

const echoing: React = (peer) => {
  const text = peer.take();
  if (text !== '') peer.send(text);
};
const greeting: React = (peer) => {
  if (peer.sentBytes === 0 && !peer.closed) peer.send('220 mail\r\n');
};

const named = (name: string): React =>
  answering(() => `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);

const service = (host: string, ...ports: readonly number[]): DestinationResource => ({
  authority: 'web.demo.svc.cluster.local:80',
  service: 'web',
  namespace: 'demo',
  port: 80,
  endpoints: ports.map((port) => endpointResource({ host, port })),
  routes: [],
});

/** Listens at the address, and closes each connection at once. */
const accepting = ({ bench }: InterceptionBench, address: SocketAddress): Promise<Listener> =>
  bench.world.transport.listen(address, bench.world.peerCounts, (link) => {
    link.close();
    return NOBODY;
  });

/** It was cut, and heard nothing before that. */
function assertReset(client: MemoryPeer, what = ''): void {
  assert.deepEqual(
    [client.text, client.closed, client.error?.code],
    ['', true, 'upstream-reset'],
    what,
  );
}

test('inbound goes to the application at the address and port that were dialled', async (t) => {
  const made = await InterceptionBench.inbound(t);
  await made.serve(APPLICATION, named('web'));
  await made.serve({ host: POD, port: 9090 }, named('admin'));
  const clients = [made.dial(APPLICATION, GET), made.dial({ host: POD, port: 9090 }, GET)];
  assert.deepEqual(
    clients.map((client) => client.text.slice(-5)),
    ['\n\r\nweb'.slice(-5), 'admin'],
  );
  made.bench.finish(clients);
});

test('inbound tells bytes from HTTP, port by port, and takes the word of who declares one', async (t) => {
  const made = await InterceptionBench.inbound(t);
  (made.parts.ports.inbound as PortTable).replace([{ first: 25, last: 25, protocol: 'opaque' }]);
  await made.serve(APPLICATION, serving);
  await made.serve({ host: POD, port: 5432 }, echoing);
  const mails = await made.serve({ host: POD, port: 25 }, greeting);
  const mail = made.dial({ host: POD, port: 25 });
  assert.equal(mails.length, 1, 'dialled at once');
  const clients = [
    mail,
    made.dial(APPLICATION, GET),
    made.dial({ host: POD, port: 5432 }, STARTUP),
  ];
  assert.deepEqual(
    clients.map(({ text }) => text),
    ['', OK, STARTUP],
  );
  mails[0]?.send('220 mail\r\n');
  made.bench.world.run();
  assert.equal(mail.text, '220 mail\r\n');
  made.bench.finish(clients);
});

test('inbound remembers of each port alone who speaks first there', async (t) => {
  const made = await InterceptionBench.inbound(t);
  const mails = await made.serve({ host: POD, port: 2525 });
  const webs = await made.serve(APPLICATION, serving);
  const first = made.dial({ host: POD, port: 2525 });
  made.advance(timeouts.serverFirstMs + 20);
  mails[0]?.send('220 mail\r\n');
  made.bench.world.run();
  const [second, web] = [made.dial({ host: POD, port: 2525 }), made.dial(APPLICATION)];
  assert.deepEqual([mails.length, webs.length], [2, 0]);
  made.bench.finish([first, second, web]);
});

test('inbound lets nothing go on to an address that is not of the pod', async (t) => {
  const made = await InterceptionBench.inbound(t);
  const others = await made.serve(OUTSIDE, serving);
  const local = await made.serve({ host: '127.0.0.1', port: 6000 }, serving);
  const http = made.dial(OUTSIDE, GET);
  assert.match(http.text, /^HTTP\/1.1 404 /);
  assert.doesNotMatch(http.text, /culvert|192/, 'strangers learn nothing');
  const loopback = made.dial({ host: '127.0.0.1', port: 6000 }, GET);
  assert.match(loopback.text, /^HTTP\/1.1 404 /);
  const bytes = made.dial(OUTSIDE, STARTUP);
  assertReset(bytes);
  assert.deepEqual([others.length, local.length], [0, 0]);
  assert.deepEqual(made.bench.errors, Array(3).fill('inbound no-such-service'));
  made.bench.finish([http, loopback, bytes]);
});

test('inbound speaks to the application as it is told to', async (t) => {
  const made = await InterceptionBench.inbound(t, 'http2');
  const applications = await made.serve(APPLICATION);
  const client = made.dial(APPLICATION, GET);
  assert.match(applications[0]?.text ?? '', /^PRI \* HTTP\/2\.0/);
  applications[0]?.reset();
  made.bench.finish([client]);
});

test('inbound stops listening in a drain when a port refuses that was served, not another', async (t) => {
  const made = await InterceptionBench.inbound(t);
  await made.serve(APPLICATION, serving);
  made.downstreams.drain(60_000);
  const unknown = made.dial({ host: POD, port: 9 }, GET);
  assert.match(unknown.text, /^HTTP\/1.1 502 /);
  assert.equal(made.downstreams.closed, false, 'nobody ever listened there');
  // Another proxy in the same place, whose application was there and is gone.
  const again = await InterceptionBench.inbound(t);
  const listener = await accepting(again, APPLICATION);
  const reached = again.dial(APPLICATION, POST);
  listener.close();
  again.downstreams.drain(60_000);
  const refused = again.dial(APPLICATION, POST);
  assert.match(refused.text, /^HTTP\/1.1 502 /);
  assert.equal(again.downstreams.closed, true);
  for (const client of [unknown, reached, refused]) if (!client.closed) client.reset();
});

test('inbound listens on in a drain while one of the ports that were served is, and no longer', async (t) => {
  const made = await InterceptionBench.inbound(t);
  const admin = { host: POD, port: 9090 };
  const clients: MemoryPeer[] = [];
  const listeners = await Promise.all([accepting(made, APPLICATION), accepting(made, admin)]);
  for (const address of [APPLICATION, admin]) clients.push(made.dial(address, POST));
  listeners[1].close();
  clients.push(made.dial(admin, POST));
  listeners[0].close();
  const served = await made.serve(APPLICATION, serving);
  assert.equal(served.length, 0, 'nobody asks before the drain');
  made.downstreams.drain(60_000);
  for (const asked of [1, 2]) {
    const refused = made.dial(admin, POST);
    assert.match(refused.text, /^HTTP\/1.1 502 /);
    assert.deepEqual([made.downstreams.closed, served.length], [false, asked]);
    clients.push(refused);
  }
  assert.ok(
    served.every(({ ended, closed }) => ended || closed),
    'who asked leaves',
  );
  const late = made.dial(APPLICATION, GET);
  assert.match(late.text, /^HTTP\/1.1 200 /);
  made.bench.finish([...clients, late]);
});

test('inbound stops listening in a drain when all ports that were served refuse', async (t) => {
  const made = await InterceptionBench.inbound(t);
  const addresses = [8080, 9090, 9091].map((port) => ({ host: POD, port }));
  const clients: MemoryPeer[] = [];
  for (const address of addresses) {
    const listener = await accepting(made, address);
    clients.push(made.dial(address, POST));
    listener.close();
  }
  made.downstreams.drain(60_000);
  made.bench.world.transport.silence(addresses[2]!);
  clients.push(made.dial(APPLICATION, POST));
  made.advance(2 * timeouts.connectTimeoutMs);
  assert.equal(made.downstreams.closed, false, 'who does not answer may be busy');
  made.bench.world.transport.unsilence(addresses[2]!);
  clients.push(made.dial(APPLICATION, POST));
  assert.equal(made.downstreams.closed, true);
  for (const client of clients) if (!client.closed) client.reset();
  made.bench.world.run();
  made.advance(timeouts.upstreamIdleMs + 200);
  assert.equal(made.parts.quotas.upstream.taken, 0);
});

for (const direction of ['inbound', 'outbound'] as const) {
  test(`${direction} refuses what was going to the proxy itself`, async (t) => {
    for (const address of [LISTEN, { host: POD, port: LISTEN.port }]) {
      const made = await (direction === 'inbound'
        ? InterceptionBench.inbound(t)
        : InterceptionBench.outbound(t, true));
      const http = made.dial(address, GET);
      assert.match(http.text, /^HTTP\/1.1 508 Loop Detected\r\n[^]*connection: close\r\n/i);
      const told = /culvert-proxy-error: .* is (?:this|the) proxy itself/.test(http.text);
      assert.equal(told, direction === 'outbound', 'the application is told why');
      const bytes = made.dial(address, STARTUP);
      assertReset(bytes);
      const silent = made.dial(address);
      made.advance(timeouts.serverFirstMs + 20);
      assertReset(silent);
      assert.deepEqual(made.bench.errors, Array(3).fill(`${direction} proxy-loop`));
      assert.equal(made.asked.size, 0, 'nobody is asked about it');
      made.bench.finish([http, bytes, silent]);
    }
  });
}

test('a proxy whose own connections are redirected to it answers 508 at once, or resets', async (t) => {
  for (const direction of ['inbound', 'outbound'] as const) {
    const address = direction === 'inbound' ? APPLICATION : OUTSIDE;
    for (const said of [GET, STARTUP, '']) {
      const made = await (direction === 'inbound'
        ? InterceptionBench.inbound(t)
        : InterceptionBench.outbound(t, false));
      made.redirectsProxy = true;
      await made.serve(address, serving);
      const client = made.dial(address, said);
      for (let i = 0; i < 4; i++) made.advance(timeouts.serverFirstMs);
      if (said === GET) assert.match(client.text, /^HTTP\/1.1 508 /);
      else assertReset(client);
      const loops = made.bench.errors.filter((error) => error === `${direction} proxy-loop`);
      assert.equal(loops.length, 1, made.bench.errors.join());
      if (!client.closed) client.reset();
      made.advance(timeouts.upstreamIdleMs + 200);
      assert.equal(made.parts.quotas.upstream.taken, 0);
    }
  }
});

test('outbound resets a silent client whose address outside has closed, also where HTTP is spoken', async (t) => {
  const made = await InterceptionBench.outbound(t, false);
  const servers = await made.serve(OUTSIDE, serving);
  const first = made.dial(OUTSIDE, GET);
  const silent = made.dial(OUTSIDE);
  made.advance(timeouts.detectTimeoutMs + 200);
  assert.deepEqual([servers.length, silent.closed], [2, false]);
  servers[1]?.reset();
  made.bench.world.run();
  assertReset(silent);
  made.bench.finish([first, silent]);
});

test('outbound asks for the address that was dialled, and the requests need not say it', async (t) => {
  const made = await InterceptionBench.outbound(t, true);
  await made.serve({ host: '10.1.0.9', port: 8080 }, named('from the pod'));
  const client = made.dial(SERVICE, GET.replace('Host: web', 'Host: anything.example'));
  assert.deepEqual(
    [...made.asked],
    [[KEY, { originalDst: KEY, authority: undefined, port: SERVICE.port }]],
  );
  made.tell(KEY, service('10.1.0.9', 8080));
  assert.match(client.text, /from the pod$/);
  made.bench.finish([client]);
});

test('outbound asks for IPv6 in brackets', async (t) => {
  const made = await InterceptionBench.outbound(t, true);
  const client = made.dial({ host: 'fd00::10', port: 80 }, GET);
  assert.deepEqual([...made.asked.keys()], ['[fd00::10]:80']);
  client.reset();
});

test('outbound balances what is not HTTP too, by its address alone', async (t) => {
  const made = await InterceptionBench.outbound(t, true);
  const pods = await made.serve({ host: '10.1.0.9', port: 5432 }, echoing);
  const client = made.dial({ host: '10.96.0.11', port: 5432 }, STARTUP);
  made.tell('10.96.0.11:5432', service('10.1.0.9', 5432));
  assert.deepEqual([client.text, pods.length], [STARTUP, 1]);
  made.bench.finish([client]);
});

test('outbound goes on to an address that nobody of the mesh has, as it is', async (t) => {
  for (const controlled of [true, false]) {
    const made = await InterceptionBench.outbound(t, controlled);
    await made.serve(OUTSIDE, serving);
    await made.serve({ host: '192.0.2.7', port: 5432 }, echoing);
    await made.serve({ host: '192.0.2.7', port: 25 }, greeting);
    const http = made.dial(OUTSIDE, GET);
    const bytes = made.dial({ host: '192.0.2.7', port: 5432 }, STARTUP);
    const mail = made.dial({ host: '192.0.2.7', port: 25 });
    if (controlled) for (const key of made.asked.keys()) made.tellUnknown(key);
    made.advance(timeouts.serverFirstMs + 20);
    assert.deepEqual([http.text, bytes.text], [OK, STARTUP]);
    assert.equal(mail.closed, false);
    assert.deepEqual(
      made.bench.ended.map(({ route, status }) => [route, status]),
      [['', 200]],
      'it has no routes',
    );
    made.bench.finish([http, bytes, mail]);
  }
});

test('outbound resets what an address outside refuses, before any byte of an answer', async (t) => {
  const made = await InterceptionBench.outbound(t, false);
  const clients = [made.dial(OUTSIDE, GET), made.dial(OUTSIDE, POST), made.dial(OUTSIDE, STARTUP)];
  const silent = made.dial({ host: '192.0.2.8', port: 22 });
  made.advance(timeouts.serverFirstMs + 20);
  for (const client of [...clients, silent]) assertReset(client);
  assert.deepEqual(made.bench.errors, Array(4).fill('outbound outside-failed'));
  assert.deepEqual(
    made.bench.ended.map(({ status }) => status),
    [502, 502],
    'and counts it',
  );
  made.bench.finish([...clients, silent]);
});

test('outbound resets a silent client of an address that clients spoke HTTP to, and that is gone', async (t) => {
  const made = await InterceptionBench.outbound(t, false);
  const { world } = made.bench;
  const first = made.dial(OUTSIDE, GET);
  assertReset(first);
  const silent = world.connect(OUTSIDE);
  world.run();
  made.advance(timeouts.detectTimeoutMs + 200);
  assertReset(silent);
});

test('outbound resets what an address outside resets before it answers', async (t) => {
  const made = await InterceptionBench.outbound(t, false);
  await made.serve(OUTSIDE, (peer) => {
    if (peer.text !== '') peer.reset();
  });
  const client = made.dial(OUTSIDE, POST);
  assertReset(client);
  assert.deepEqual(made.bench.errors, ['outbound outside-failed']);
  made.bench.finish([client]);
});

test('outbound ends what an address outside ends without an answer', async (t) => {
  const made = await InterceptionBench.outbound(t, false);
  await made.serve(OUTSIDE, (peer) => {
    if (peer.text !== '') peer.end();
  });
  for (const said of [POST, GET]) {
    const client = made.dial(OUTSIDE, said);
    assert.deepEqual([client.text, client.ended, client.closed], ['', true, false], said);
    client.end();
    made.bench.world.run();
    assert.deepEqual([client.closed, client.error], [true, undefined]);
  }
  assert.deepEqual(made.bench.errors, Array(2).fill('outbound outside-failed'));
});

test('outbound waits for an address outside as long as the system does, or its client', async (t) => {
  const made = await InterceptionBench.outbound(t, false);
  const { transport } = made.bench.world;
  transport.silence(OUTSIDE);
  await made.serve(OUTSIDE, serving);
  const clients = [made.dial(OUTSIDE, GET), made.dial(OUTSIDE, STARTUP)];
  made.advance(100 * timeouts.connectTimeoutMs);
  assert.deepEqual(
    clients.map(({ text, closed }) => [text, closed]),
    [
      ['', false],
      ['', false],
    ],
  );
  assert.equal(made.parts.quotas.upstream.taken, 2);
  for (const client of clients) client.reset();
  made.bench.world.run();
  assert.equal(made.parts.quotas.upstream.taken, 0, 'nobody dials for who has left');
  const late = made.dial(OUTSIDE, GET);
  made.advance(3 * timeouts.connectTimeoutMs);
  transport.unsilence(OUTSIDE);
  made.bench.world.run();
  assert.equal(late.text, OK);
  made.bench.finish([...clients, late]);
});

test('outbound follows what the controller says of an address, connection by connection', async (t) => {
  const made = await InterceptionBench.outbound(t, true);
  await made.serve(OUTSIDE, named('itself'));
  await made.serve({ host: '10.1.0.9', port: 8080 }, named('the pod'));
  const client = made.dial(OUTSIDE, GET);
  made.tellUnknown(OUTSIDE_KEY);
  assert.match(client.take(), /itself$/);
  made.tell(OUTSIDE_KEY, service('10.1.0.9', 8080));
  client.send(GET);
  made.bench.world.run();
  assert.match(client.take(), /the pod$/, 'HTTP request by request');
  made.tellUnknown(OUTSIDE_KEY);
  client.send(GET);
  made.bench.world.run();
  assert.match(client.take(), /itself$/);
  made.bench.finish([client]);
});

test('outbound goes on to a pod, dialled at its own address, whether it is ready or about to end', async (t) => {
  const pod = { host: '10.1.0.9', port: 8080 };
  for (const [ready, terminating] of [
    [true, true],
    [false, false],
    [false, true],
  ] as const) {
    const made = await InterceptionBench.outbound(t, true);
    await made.serve(pod, serving);
    const http = made.dial(pod, GET);
    const told = { ...service(pod.host, pod.port), service: '' };
    made.tell('10.1.0.9:8080', told);
    assert.equal(http.take(), OK);
    const endpoints = told.endpoints.map((one) => ({ ...one, ready, terminating }));
    made.tell('10.1.0.9:8080', { ...told, endpoints });
    const again = made.dial(pod, GET);
    const bytes = made.dial(pod, STARTUP);
    assert.match(again.text, /^HTTP\/1.1 200 /, `ready ${ready}, terminating ${terminating}`);
    assert.equal(bytes.closed, false);
    assert.deepEqual(made.bench.errors, []);
    made.bench.finish([http, again, bytes]);
  }
});

test('outbound closes a connection whose pod, dialled at its own address, is gone', async (t) => {
  const made = await InterceptionBench.outbound(t, true);
  const pod = { host: '10.1.0.9', port: 8080 };
  const http = made.dial(pod, GET);
  const bytes = made.dial(pod, STARTUP);
  made.tell('10.1.0.9:8080', { ...service(pod.host, pod.port), service: '' });
  assert.match(http.text, /^HTTP\/1.1 502 [^]*connection: close\r\n/i);
  assertReset(bytes);
  assert.deepEqual(made.bench.errors, Array(2).fill('outbound address-refused'));
  made.bench.finish([http, bytes]);
});

test('outbound answers for a service what it answers anywhere: 502, not a reset', async (t) => {
  const made = await InterceptionBench.outbound(t, true);
  const client = made.dial(SERVICE, GET);
  made.tell(KEY, service('10.1.0.9', 8080));
  assert.match(client.text, /^HTTP\/1.1 502 [^]*culvert-proxy-error: web\.demo/);
  assert.deepEqual(made.bench.errors, ['outbound upstream-refused']);
  made.bench.finish([client]);
});

test('outbound, stand-alone, takes an address of --to for the connections to it', async (t) => {
  const made = await InterceptionBench.outbound(t, false);
  await made.serve({ host: '10.1.0.9', port: 8080 }, named('given'));
  const target = { originalDst: undefined, authority: SERVICE.host, port: SERVICE.port };
  made.outbound.destinations.install(target, service('10.1.0.9', 8080), false);
  const client = made.dial(SERVICE, GET);
  assert.match(client.text, /given$/);
  made.bench.finish([client]);
});

test('outbound refuses addresses beyond what a thread knows, and forgets those it needs no more', async (t) => {
  const before = limits.destinationsMax;
  limits.destinationsMax = 2;
  t.after(() => (limits.destinationsMax = before));
  const made = await InterceptionBench.outbound(t, false);
  for (const host of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    await made.serve(at(host), named(host));
  }
  const first = made.dial(at('192.0.2.1'), GET);
  const second = made.dial(at('192.0.2.2'), GET);
  assert.match(second.text, /192\.0\.2\.2$/);
  const third = made.dial(at('192.0.2.3'), GET);
  assert.match(third.text, /^HTTP\/1.1 503 [^]*culvert-proxy-error: /);
  for (const client of [first, second, third]) client.reset();
  made.advance(timeouts.destinationIdleMs + 130_000);
  assert.equal(made.outbound.destinations.size, 0);
  const again = made.dial(at('192.0.2.3'), GET);
  assert.match(again.text, /192\.0\.2\.3$/);
  made.bench.finish([first, second, third, again]);
});

test('inbound keeps what it knows of a port that is served, and nothing of one that was tried', async (t) => {
  const made = await InterceptionBench.inbound(t);
  await made.serve(APPLICATION, serving);
  let passages = 0;
  const isPodAddress = (host: string): boolean => {
    passages++;
    return host === POD;
  };
  Object.assign(made.parts, { isPodAddress });
  const clients = [8080, 8080, 9, 9].map((port) => {
    const client = made.dial({ host: POD, port }, GET);
    client.reset();
    made.bench.world.run();
    return client;
  });
  assert.equal(passages, 3);
  made.bench.finish(clients);
});

test('inbound and outbound count the detections of a served port apart, whoever tried all the others', async (t) => {
  for (const direction of ['inbound', 'outbound'] as const) {
    const made = await (direction === 'inbound'
      ? InterceptionBench.inbound(t)
      : InterceptionBench.outbound(t, false));
    const { host } = direction === 'inbound' ? APPLICATION : OUTSIDE;
    const clients: MemoryPeer[] = [];
    for (let port = 1; port <= 70; port++) clients.push(made.dial({ host, port }, GET));
    await made.serve({ host, port: 8080 }, serving);
    for (const _ of [1, 2]) clients.push(made.dial({ host, port: 8080 }, GET));
    for (let port = 1; port <= 70; port++) clients.push(made.dial({ host, port }, STARTUP));
    clients.push(made.dial({ host, port: 8080 }, GET));
    const sums = sumDetections([made.bench.counts.detections]);
    assert.deepEqual(sums.find(({ port }) => port === 8080)?.results, [3, 0, 0, 0], direction);
    made.bench.finish(clients);
  }
});

test('inbound lets go of what it held of a port that nobody uses any more', async (t) => {
  const made = await InterceptionBench.inbound(t);
  await made.serve(APPLICATION, serving);
  const client = made.dial(APPLICATION, GET);
  client.reset();
  made.advance(timeouts.destinationIdleMs + 130_000);
  const late = made.dial(APPLICATION, GET);
  assert.equal(late.text, OK);
  made.bench.finish([client, late]);
});

test('inbound without pod addresses takes nothing', async (t) => {
  const made = await InterceptionBench.inbound(t);
  const { isPodAddress: _none, ...parts } = made.parts;
  const side = interceptedInbound(parts, undefined);
  const other = { host: '127.0.0.1', port: 4144 };
  made.bench.world.transport.redirect(({ port }) =>
    port === APPLICATION.port ? other : undefined,
  );
  side.add(
    await made.bench.world.transport.listen(
      other,
      made.bench.counts.links('inbound', 'src'),
      side.accept,
    ),
  );
  const client = made.dial(APPLICATION, GET);
  assert.match(client.text, /^HTTP\/1.1 404 /);
  client.reset();
});
