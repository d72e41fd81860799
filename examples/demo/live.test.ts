import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { eventually, withDeadline } from '../../test/support/deadline.ts';
import { DemoProgram } from '../../test/support/demo-program.ts';
import { watch } from './watch.ts';

/** A watcher of the live page, and all that it was told. */
class Watcher {
  readonly socket: WebSocket;
  readonly told: Readonly<Record<string, unknown>>[] = [];

  constructor(web: DemoProgram) {
    this.socket = new WebSocket(`ws://${web.address}/live`);
    this.socket.on('message', (message) => {
      const text = (message as Buffer).toString();
      this.told.push(JSON.parse(text) as Readonly<Record<string, unknown>>);
    });
  }

  /** What it was told as the `n`-th, once it was. */
  async news(n: number): Promise<Readonly<Record<string, unknown>>> {
    return eventually(`message ${n}`, () => this.told[n]);
  }
}

test('live board tells all who watch what happens, and says goodbye when told to end', async () => {
  await using parcels = await DemoProgram.start('parcels.ts');
  await using web = await DemoProgram.start('web.ts', {
    PARCELS_SERVICE_HOST: parcels.host,
    PARCELS_SERVICE_PORT: String(parcels.port),
  });
  const watchers = [new Watcher(web), new Watcher(web)];
  for (const watcher of watchers) {
    assert.deepEqual(await watcher.news(0), { what: 'the office is open' });
  }
  assert.equal((await fetch(`http://${web.address}/parcels/1000`)).status, 200);
  for (const watcher of watchers) {
    const { parcel, what } = await watcher.news(1);
    assert.equal(parcel, 1_000);
    assert.match(String(what), /^seen at the /);
  }
  const closed = watchers.map(async ({ socket }) => (await once(socket, 'close'))[0] as number);
  await web.endsWell();
  assert.deepEqual(await withDeadline('the goodbye', Promise.all(closed)), [1001, 1001]);
  await parcels.endsWell();
});

test('front of the office is a page for browsers and a word for programs', async () => {
  await using web = await DemoProgram.start('web.ts');
  const front = async (accept: string): Promise<readonly (string | null)[]> => {
    const response = await fetch(`http://${web.address}/`, { headers: { accept } });
    return [response.headers.get('content-type'), await response.text()];
  };
  const [type, page] = await front('text/html,application/xhtml+xml,*/*;q=0.8');
  assert.equal(type, 'text/html; charset=utf-8');
  assert.match(page ?? '', /^<!doctype html>[^]*new WebSocket\(`ws:[^]*\/live`\)/);
  assert.deepEqual(await front('*/*'), ['application/json', '{"office":"parcels","open":true}\n']);
  await web.endsWell();
});

test('live board outlives a watcher that breaks off, and one that speaks out of turn', async () => {
  await using web = await DemoProgram.start('web.ts');
  const rude = new Watcher(web);
  await rude.news(0);
  rude.socket.terminate();
  const loud = new Watcher(web);
  await loud.news(0);
  loud.socket.send('x'.repeat(2_000));
  // 1009: a message that is too big.
  assert.equal((await once(loud.socket, 'close'))[0], 1009);
  const other = await fetch(`http://${web.address}/`);
  assert.equal(other.status, 200);
  await other.text();
  await web.endsWell();
});

test('web takes no upgrade but to its board', async () => {
  await using web = await DemoProgram.start('web.ts');
  const socket = new WebSocket(`ws://${web.address}/parcels`);
  const [error] = (await once(socket, 'error')) as [Error];
  assert.equal(error.message, 'Unexpected server response: 404');
  await web.endsWell();
});

test('web told to end does not wait for a watcher that does not answer', async () => {
  await using web = await DemoProgram.start('web.ts');
  const silent = connect(web.port, web.host);
  silent.write('GET /live HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: websocket\r\n');
  silent.write('sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
  await once(silent, 'data');
  const closed = once(silent, 'close');
  silent.on('error', () => {});
  await web.endsWell();
  await withDeadline('the connection to be closed', closed);
});

test('watch tells whether there was anything to watch', async () => {
  let connections = 0;
  const visit = (port: number): Promise<boolean> =>
    watch('127.0.0.1', String(port), () => connections++);
  await using web = await DemoProgram.start('web.ts');
  await using ledger = await DemoProgram.start('ledger.ts');
  assert.deepEqual([await visit(web.port), connections], [true, 1]);
  assert.deepEqual([await visit(ledger.port), connections], [false, 2]);
  await web.endsWell();
  assert.deepEqual([await visit(web.port), connections], [false, 2]);
  await ledger.endsWell();
});
