/** Finds the `meshctl dev` that runs on this machine, and asks it to do things. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Failure } from '../failure.ts';
import { lineOf, readAnswer } from './control-message.ts';
import type { Question } from './control-message.ts';
import { CONTROL_SOCKET } from './control-socket.ts';
import { stateDirectories } from './state-owner.ts';

/**
 * A connection to the one `dev` that runs here, or to the one whose state is in `directory`; a
 * `Failure` when there is none, or more than one.
 */
export async function connectToDev(directory: string | undefined): Promise<Socket> {
  const candidates =
    directory === undefined ? stateDirectories(tmpdir(), process.getuid?.()) : [directory];
  const found: { readonly directory: string; readonly socket: Socket }[] = [];
  for (const candidate of candidates) {
    const socket = await open(path.join(candidate, CONTROL_SOCKET));
    if (socket !== undefined) found.push({ directory: candidate, socket });
  }
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first.socket;
  for (const { socket } of found) socket.destroy();
  if (first === undefined) {
    throw new Failure(
      directory === undefined
        ? 'no "meshctl dev" of yours runs on this machine; start one with "npm start"'
        : `no "meshctl dev" keeps its state in ${directory}; its first line of JSON (-o json) says where it does`,
    );
  }
  throw new Failure(
    `several meshes run on this machine: say which with --state-directory, one of ${found.map((one) => one.directory).join(', ')}`,
  );
}

/** Asks, tells `say` of the progress, and resolves to the pods of the answer; else a `Failure`. */
export async function askDev(
  socket: Socket,
  question: Question,
  say: (line: string) => void,
): Promise<readonly object[]> {
  socket.write(lineOf(question));
  const lines = createInterface({ input: socket });
  // One that breaks has no end that would end them.
  socket.once('close', () => lines.close());
  try {
    for await (const line of lines) {
      const answer = readAnswer(line);
      if (answer === undefined) break;
      if ('progress' in answer) say(answer.progress);
      else if ('failed' in answer) throw new Failure(answer.failed);
      else return answer.done;
    }
  } finally {
    socket.destroy();
  }
  throw new Failure('the mesh ended before it was done; look at what "meshctl dev" said');
}

/** Undefined when nobody answers there: a directory may outlive its `dev`. */
async function open(at: string): Promise<Socket | undefined> {
  const socket = connect(at);
  try {
    await once(socket, 'connect');
    // One that breaks ends, which is what is waited for.
    socket.on('error', () => {});
    return socket;
  } catch {
    return undefined;
  }
}
