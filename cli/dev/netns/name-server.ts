/** A name server for the pods of one run, on the machine's address on their network. */
import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { Failure, messageOf } from '../../failure.ts';
import { readQuestion, writeReply } from './dns-message.ts';
import type { Question, Reply } from './dns-message.ts';

/** RFC 1035 section 4.2.1. */
const UDP_BYTES_MAX = 512;
/** RFC 1035 section 4.2.2: two bytes of length come first. */
const TCP_BYTES_MAX = 65_535;
const LENGTH_BYTES = 2;
/** Pods come and go: what is remembered for longer is wrong. */
const TTL_SECONDS = 5;
const CONNECTIONS_MAX = 64;
const IDLE_MS = 5_000;

/** The port that resolvers ask. */
export const NAME_SERVER_PORT = 53;

/** What it answers. */
export type AnswerQuestion = (question: Question) => Reply;

/**
 * Answers at `host`:`port`, over UDP and TCP, until the answer is called. A `Failure` when somebody
 * else listens there.
 */
export async function serveNames(
  host: string,
  port: number,
  answer: AnswerQuestion,
): Promise<() => void> {
  const datagrams = createSocket('udp4');
  const server = createServer((socket) => serveConnection(socket, answer));
  server.maxConnections = CONNECTIONS_MAX;
  try {
    datagrams.bind({ address: host, port, exclusive: true });
    await once(datagrams, 'listening');
    const taken = datagrams.address().port;
    server.listen({ host, port: taken, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    closeBoth(datagrams, server);
    throw new Failure(
      `cannot answer names at ${host}:${port}: ${messageOf(error)}; a name server that listens on every address of the machine must leave this one`,
    );
  }
  datagrams.on('message', (message, { address, port: from }) => {
    const question = readQuestion(message);
    // RFC 768: who has port 0 waits for no answer, and Node refuses to send one.
    if (question === undefined || from === 0) return;
    const reply = writeReply(question, answer(question), TTL_SECONDS, UDP_BYTES_MAX);
    datagrams.send(reply, from, address);
  });
  // A client that is gone, or no descriptor for one more; nothing to be done about it.
  datagrams.on('error', () => {});
  server.on('error', () => {});
  datagrams.unref();
  server.unref();
  return () => closeBoth(datagrams, server);
}

function closeBoth(datagrams: DatagramSocket, server: Server): void {
  datagrams.close();
  server.close();
}

/** One question after the other, as they come. */
function serveConnection(socket: Socket, answer: AnswerQuestion): void {
  let held = new Uint8Array(0);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    held = Uint8Array.from(Buffer.concat([held, chunk]));
    while (held.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + (held[0] ?? 0) * 256 + (held[1] ?? 0);
      if (held.length < end) return;
      const question = readQuestion(held.subarray(LENGTH_BYTES, end));
      held = held.subarray(end);
      if (question === undefined) {
        socket.destroy();
        return;
      }
      const reply = writeReply(question, answer(question), TTL_SECONDS, TCP_BYTES_MAX);
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([length, reply]));
    }
  });
}
