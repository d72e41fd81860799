/**
 * `fault-server.ts`: servers that do nothing right, one a port of every address, each in its own
 * way; says on one line that it listens.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { FAULTS, type Fault } from './faults.ts';

const UNASKED_MS = 50;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const PART = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome of it';

const BEHAVIOUR: Readonly<Record<Fault, (socket: Socket) => void>> = {
  answers: (socket) => void socket.once('data', () => socket.end(ANSWER)),
  silent: (socket) => void socket.resume(),
  // When the client has seen that it is connected.
  'resets unasked': (socket) => void setTimeout(() => socket.resetAndDestroy(), UNASKED_MS),
  'resets when asked': (socket) => void socket.once('data', () => socket.resetAndDestroy()),
  'ends when asked': (socket) => void socket.once('data', () => socket.end()),
  'resets in its answer': (socket) =>
    void socket.once('data', () => socket.write(PART, () => socket.resetAndDestroy())),
};

for (const [fault, port] of Object.entries(FAULTS)) {
  const behave = BEHAVIOUR[fault as Fault];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    behave(socket);
  });
  await once(server.listen(port, '0.0.0.0'), 'listening');
}
process.stdout.write('ready\n');
