import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { eventually, withDeadline } from '../../test/support/deadline.ts';
import { accepts, DemoProgram } from '../../test/support/demo-program.ts';

/** Where nothing listens: `GET /` of web calls nobody. */
const NOWHERE = Object.fromEntries(
  ['PARCELS', 'RATES', 'LABELS'].flatMap((name) => [
    [`${name}_SERVICE_HOST`, '127.0.0.1'],
    [`${name}_SERVICE_PORT`, '1'],
  ]),
);

test('demo program outlives a client that resets in the middle of its request', async () => {
  await using program = await DemoProgram.start('web.ts', NOWHERE);
  const front = async (): Promise<number> => (await fetch(`http://${program.address}/`)).status;
  assert.equal(await front(), 200);

  const client = connect(program.port, program.host);
  client.write('POST /sheets HTTP/1.1\r\nhost: web\r\nexpect: 100-continue\r\n');
  client.write('content-length: 10\r\n\r\nabc');
  // Its "100 Continue": the program is reading the body.
  await once(client, 'data');
  client.resetAndDestroy();

  assert.equal(await front(), 200);
  await program.endsWell();
});

test('demo program told to end answers what it has, and keeps no connection', async () => {
  await using program = await DemoProgram.start('web.ts', NOWHERE);
  const client = connect(program.port, program.host);
  let answer = '';
  client.setEncoding('latin1').on('data', (text: string) => (answer += text));
  client.write('GET / HTTP/1.1\r\nhost: web\r\nexpect: 100-continue\r\n');
  client.write('content-length: 3\r\n\r\n');
  await once(client, 'data');
  const closed = once(client, 'close');
  const ended = program.endsWell();
  const refuses = async (): Promise<boolean> => !(await accepts(program.port));
  await eventually('the program to take no more connections', refuses);
  client.write('abc');
  await withDeadline('the connection to be closed', closed, 3_000);
  assert.match(answer, /\nHTTP\/1.1 200 OK\r\n[^]*\nconnection: close\r\n[^]*"open":true/i);
  await ended;
});

test('web says in words of HTTP why a call failed', async () => {
  await using parcels = await DemoProgram.start('parcels.ts');
  await using labels = await DemoProgram.start('labels.ts');
  await using web = await DemoProgram.start('web.ts', {
    ...NOWHERE,
    PARCELS_SERVICE_PORT: String(parcels.port),
    LABELS_SERVICE_PORT: String(labels.port),
  });
  const answerTo = async (method: string, path: string): Promise<readonly unknown[]> => {
    const response = await fetch(`http://${web.address}${path}`, { method });
    const { error, grpcStatus } = (await response.json()) as Record<string, string>;
    return [response.status, grpcStatus, error];
  };
  const refused = [404, 'NOT_FOUND', 'no parcel 7: they are numbered from 1000 on'];
  assert.deepEqual(await answerTo('GET', '/parcels/7'), refused);
  assert.deepEqual(await answerTo('GET', '/journeys/7'), refused);
  assert.deepEqual(await answerTo('POST', '/labels/1000/foil'), [
    500,
    'INTERNAL',
    'no foil label for parcel 1000: the foil printer is out of order',
  ]);
  assert.deepEqual((await answerTo('GET', '/rates/domestic')).slice(0, 2), [503, 'UNAVAILABLE']);
  assert.deepEqual((await answerTo('POST', '/baskets')).slice(0, 2), [503, 'UNAVAILABLE']);
  assert.deepEqual(await answerTo('GET', '/nothing'), [404, undefined, 'no such operation']);
  await web.endsWell();
});
