/**
 * Keeps the books, over plain TCP. It speaks first, as mail and database servers do, and then
 * answers each line with one:
 *
 *   220 ledger ready
 *   BOOK 1001 490          250 booked, 490 cents in all
 *   BALANCE                250 490 cents in all
 *   QUIT                   221 bye
 */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';

const LINE_LENGTH_MAX = 1_000;
const END_OF_LINE = '\r\n';

let balance = 0;

function answerTo(line: string): string {
  const [word = '', parcel = '', cents = ''] = line.split(' ');
  switch (word.toUpperCase()) {
    case 'BOOK':
      if (!/^\d{1,9}$/.test(parcel) || !/^\d{1,9}$/.test(cents)) return '501 BOOK parcel cents';
      balance += Number(cents);
      return `250 booked, ${balance} cents in all`;
    case 'BALANCE':
      return `250 ${balance} cents in all`;
    case 'QUIT':
      return '221 bye';
    default:
      return '500 BOOK, BALANCE or QUIT';
  }
}

const sessions = new Set<Socket>();

function open(socket: Socket): void {
  let held = '';
  sessions.add(socket);
  socket.setEncoding('latin1');
  socket.once('close', () => sessions.delete(socket));
  // Who breaks off has closed, and that is all there is to say about it.
  socket.on('error', () => {});
  socket.on('data', (text: string) => {
    const lines = (held + text).split('\n');
    held = lines.pop() ?? '';
    for (const line of lines) {
      const answer = answerTo(line.trimEnd());
      socket.write(answer + END_OF_LINE);
      if (answer.startsWith('221')) socket.end();
    }
    if (held.length > LINE_LENGTH_MAX) socket.end(`500 line too long${END_OF_LINE}`);
  });
  socket.write(`220 ledger ready${END_OF_LINE}`);
}

const server = createServer(open);
server.listen(Number(process.env['PORT']), process.env['HOST']);
process.once('SIGTERM', () => {
  server.close();
  for (const socket of sessions) socket.end(`421 the ledger closes${END_OF_LINE}`);
});
