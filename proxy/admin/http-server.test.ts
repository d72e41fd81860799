import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { formatSocketAddress } from '../../base/settings.ts';
import { eventually, withDeadline } from '../../test/support/deadline.ts';
import { limits } from '../limits.ts';
import { mainSockets } from '../transport/main-sockets.ts';
import { type AdminHandler, type AdminRequest, serveAdmin } from './http-server.ts';

async function serve(
  t: TestContext,
  handler: AdminHandler,
  host = '127.0.0.1',
  idleMs?: number,
): Promise<string> {
  const listener = await serveAdmin({ host, port: 0 }, handler, mainSockets(), idleMs);
  t.after(() => listener.close());
  return `http://${formatSocketAddress(listener.address)}`;
}

/** Answers with the request as JSON. */
const echo: AdminHandler = ({ query, ...request }) => ({
  status: 200,
  contentType: 'application/json',
  body: JSON.stringify({ ...request, query: query.toString() }),
});

/** A request on a connection of its own. */
const ask = async (url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { ...init, headers: { connection: 'close' }, signal: AbortSignal.timeout(10_000) });

test('serveAdmin gives its handler the request and the client its answer', async (t) => {
  const base = await serve(t, echo);
  const response = await ask(`${base}/log-level?a=1&b=x%20y`, { method: 'PUT', body: 'wärn' });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.deepEqual(await response.json(), {
    method: 'PUT',
    path: '/log-level',
    loopback: true,
    body: 'wärn',
    query: 'a=1&b=x+y',
  });
});

test('serveAdmin answers HEAD with the length and no body', async (t) => {
  const base = await serve(t, () => ({ status: 200, contentType: 'text/plain', body: 'four' }));
  const response = await ask(base, { method: 'HEAD' });
  assert.equal(response.headers.get('content-length'), '4');
  assert.equal(await response.text(), '');
});

test('serveAdmin answers several requests of one connection in order', async (t) => {
  const base = await serve(t, async ({ path }: AdminRequest) => {
    if (path === '/slow') await new Promise((resolve) => setImmediate(resolve));
    return { status: 200, contentType: 'text/plain', body: `${path}\n` };
  });
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  let received = '';
  socket.on('data', (bytes) => (received += bytes.toString()));
  await withDeadline('the connection', once(socket, 'connect'));
  socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /fast HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('both answers', () => received.includes('/fast\n'));
  assert.ok(received.indexOf('/slow\n') < received.indexOf('/fast\n'), received);
});

test('serveAdmin answers 500 with the reason when its handler fails, and serves on', async (t) => {
  let calls = 0;
  const base = await serve(t, () => {
    if (++calls === 1) throw new Error('the data thread is starting');
    return Promise.reject(new Error('again'));
  });
  for (const reason of ['the data thread is starting\n', 'again\n']) {
    const response = await ask(base);
    assert.deepEqual([response.status, await response.text()], [500, reason]);
  }
});

test('serveAdmin refuses a body over 4 KiB before it has all of it', async (t) => {
  let asked = false;
  const base = await serve(t, (request) => {
    asked = true;
    return echo(request);
  });
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  let received = '';
  socket.on('data', (bytes) => (received += bytes.toString()));
  socket.on('error', () => undefined);
  await withDeadline('the connection', once(socket, 'connect'));
  socket.write(`PUT /log-level HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n`);
  socket.write('x'.repeat(5_000));
  await eventually('the answer', () => received.includes('The body is too large.'));
  assert.match(received, /^HTTP\/1\.1 413 /);
  assert.equal(asked, false);
});

test('serveAdmin says which port it got, and rejects when it cannot have its own', async (t) => {
  const base = await serve(t, echo);
  const { port } = new URL(base);
  await assert.rejects(serveAdmin({ host: '127.0.0.1', port: Number(port) }, echo), /EADDRINUSE/);
});

test('serveAdmin knows the loopback of IPv6', async (t) => {
  let base: string;
  try {
    base = await serve(t, echo, '::1');
  } catch (error) {
    assert.match(String(error), /EADDRNOTAVAIL|EAFNOSUPPORT/);
    return t.skip('this machine has no IPv6 loopback');
  }
  const { loopback } = (await (await ask(base)).json()) as AdminRequest;
  assert.equal(loopback, true);
});

const GET = 'GET /ready HTTP/1.1\r\nHost: a\r\n\r\n';

/** A connection, what it has received, and whether it is over. */
interface Client {
  readonly socket: Socket;
  received: string;
  ended: boolean;
}

async function open(t: TestContext, base: string): Promise<Client> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  const client: Client = { socket, received: '', ended: false };
  socket.on('data', (bytes) => (client.received += bytes.toString()));
  socket.on('error', () => undefined);
  socket.on('close', () => (client.ended = true));
  await withDeadline('the connection', once(socket, 'connect'));
  return client;
}

/** As many as there may be, opened in this order. */
async function openAll(t: TestContext, base: string): Promise<readonly [Client, ...Client[]]> {
  const clients: [Client, ...Client[]] = [await open(t, base)];
  while (clients.length < limits.adminLinksMax) clients.push(await open(t, base));
  return clients;
}

test('serveAdmin answers a newcomer when the others only wait, and ends the longest idle', async (t) => {
  const base = await serve(t, echo);
  const [first, second, ...others] = await openAll(t, base);
  first.socket.write(GET);
  await eventually('an answer', () => first.received !== '');
  assert.equal((await ask(base)).status, 200);
  await eventually('the longest idle to end', () => second?.ended);
  assert.deepEqual([first, ...others].filter(({ ended }) => ended).length, 0);
});

test('serveAdmin ends a connection with part of a request for a newcomer', async (t) => {
  const base = await serve(t, echo);
  for (const { socket } of await openAll(t, base)) {
    socket.write('PUT /log-level HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx');
  }
  for (let i = 0; i < limits.adminLinksMax; i++) assert.equal((await ask(base)).status, 200);
});

test('serveAdmin refuses a newcomer while all others are being answered', async (t) => {
  const answer = Promise.withResolvers<void>();
  let asked = 0;
  const base = await serve(t, async (request) => {
    asked++;
    await answer.promise;
    return echo(request);
  });
  const clients = await openAll(t, base);
  for (const { socket } of clients) socket.write(GET);
  await eventually('all requests', () => asked === clients.length);
  await assert.rejects(ask(base), /fetch failed/);
  answer.resolve();
  await eventually('all answers', () => clients.every(({ received }) => received !== ''));
  assert.equal((await ask(base)).status, 200);
});

test('serveAdmin ends a connection that has been idle, never one that waits for its answer', async (t) => {
  const answer = Promise.withResolvers<void>();
  const base = await serve(
    t,
    async (request) => {
      await answer.promise;
      return echo(request);
    },
    '127.0.0.1',
    1,
  );
  const [busy, idle] = [await open(t, base), await open(t, base)];
  busy.socket.write(GET);
  await eventually('the idle one to end', () => idle.ended);
  answer.resolve();
  await eventually('the answer', () => busy.received.startsWith('HTTP/1.1 200 '));
  await eventually('the other to end', () => busy.ended);
});
