import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { withDeadline } from '../../test/support/deadline.ts';
import { DemoProgram } from '../../test/support/demo-program.ts';
import { book } from './book.ts';

/** All that the ledger says until it ends the connection. */
async function heard(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => (text += part));
  await withDeadline('the ledger to end the connection', once(socket, 'end'));
  return text;
}

test('ledger speaks first, and answers each line with one', async () => {
  await using ledger = await DemoProgram.start('ledger.ts');
  const socket = connect(ledger.port, ledger.host);
  const all = heard(socket);
  await once(socket, 'data');
  for (const part of [
    'BOOK 1 20\r\nbo',
    'ok 2 3\n',
    'BALANCE\r\nBOOK 1 x\r\nEHLO\r\n',
    'quit\r\n',
  ]) {
    socket.write(part);
  }
  assert.deepEqual((await all).split('\r\n'), [
    '220 ledger ready',
    '250 booked, 20 cents in all',
    '250 booked, 23 cents in all',
    '250 23 cents in all',
    '501 BOOK parcel cents',
    '500 BOOK, BALANCE or QUIT',
    '221 bye',
    '',
  ]);
  await ledger.endsWell();
});

test('ledger takes no line without an end, outlives a reset, and says goodbye when told to end', async () => {
  await using ledger = await DemoProgram.start('ledger.ts');
  const endless = connect(ledger.port, ledger.host);
  const said = heard(endless);
  endless.write('x'.repeat(2_000));
  assert.equal(await said, '220 ledger ready\r\n500 line too long\r\n');

  const rude = connect(ledger.port, ledger.host);
  await once(rude, 'data');
  rude.write('BOOK');
  rude.resetAndDestroy();

  const quiet = connect(ledger.port, ledger.host);
  const goodbye = heard(quiet);
  await once(quiet, 'data');
  await ledger.endsWell();
  assert.equal(await goodbye, '220 ledger ready\r\n421 the ledger closes\r\n');
});

test('book says why the ledger did not book, and whether it was there', async () => {
  await using ledger = await DemoProgram.start('ledger.ts');
  let connections = 0;
  const visit = async (parcel: number): Promise<string | undefined> =>
    book(ledger, { parcel, cents: 490 }, () => connections++);
  assert.equal(await visit(1_001), undefined);
  assert.match((await visit(-1)) ?? '', /^it said "501 .* of 250, /);
  assert.equal(connections, 2);
  await ledger.endsWell();
  assert.match((await visit(1_001)) ?? '', /ECONNREFUSED.* instead of 220, after \d+ ms$/);
  assert.equal(connections, 2);
});
