/** The socket in the state directory on which a running `dev` is told what to do. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import path from 'node:path';
import { Failure, messageOf } from '../failure.ts';
import { LINE_CHARS_MAX, lineOf, readQuestion } from './control-message.ts';
import type { Answer, Question } from './control-message.ts';

/** Its name in the directory, which only the user of `dev` may enter. */
export const CONTROL_SOCKET = 'control.sock';

const CONNECTIONS_MAX = 16;

/** Of sun_path in unix(7), without the zero at its end; macOS takes 103. */
const SOCKET_PATH_BYTES = 107;

/** Does what is asked and resolves to the last answer; a `Failure` is one too. */
export type Carry = (question: Question, say: (line: string) => void) => Promise<readonly object[]>;

/**
 * Listens; the answer stops that and hangs up on everybody. What is under way goes on though nobody
 * hears of it any more. Never rejects: where it cannot listen, `warn` is told why.
 */
export async function serveControl(
  directory: string,
  carry: Carry,
  warn: (sentence: string) => void,
): Promise<() => void> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    serve(socket, carry);
  });
  server.maxConnections = CONNECTIONS_MAX;
  const at = path.join(directory, CONTROL_SOCKET);
  try {
    server.listen(at);
    await once(server, 'listening');
  } catch (error) {
    warn(`"meshctl dev restart" cannot reach this mesh: ${messageOf(error)}${hintFor(at)}`);
    return () => {};
  }
  server.unref();
  return () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
}

/** The system says of a path that is too long only that it is invalid. */
function hintFor(at: string): string {
  const bytes = Buffer.byteLength(at);
  if (bytes <= SOCKET_PATH_BYTES) return '';
  return `; the path of a socket may have ${SOCKET_PATH_BYTES} bytes, this one has ${bytes}: let TMPDIR name a shorter one`;
}

function serve(socket: Socket, carry: Carry): void {
  let line = '';
  const tell = (answer: Answer): void => void (socket.writable && socket.write(lineOf(answer)));
  const heard = (chunk: string): void => {
    line += chunk;
    const end = line.indexOf('\n');
    if (end === -1 && line.length <= LINE_CHARS_MAX) return;
    socket.off('data', heard);
    const question = end === -1 ? undefined : readQuestion(line.slice(0, end));
    const answered =
      question === undefined
        ? Promise.resolve<Answer>({ failed: 'dev was asked what it does not know' })
        : answer(question, carry, (progress) => tell({ progress }));
    void answered.then((last) => socket.end(lineOf(last)));
  };
  // Who asked may have gone.
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', heard);
}

async function answer(
  question: Question,
  carry: Carry,
  say: (line: string) => void,
): Promise<Answer> {
  try {
    return { done: await carry(question, say) };
  } catch (error) {
    return { failed: error instanceof Failure ? error.message : `a bug: ${messageOf(error)}` };
  }
}
