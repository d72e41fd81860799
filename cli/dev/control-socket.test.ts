import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { Failure } from '../failure.ts';
import type { Question } from './control-message.ts';
import { CONTROL_SOCKET, serveControl } from './control-socket.ts';
import type { Carry } from './control-socket.ts';
import { askDev, connectToDev } from './running-dev.ts';

const QUESTION: Question = { do: 'restart', deployment: 'web', namespace: undefined };

async function served(t: TestContext, carry: Carry): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), 'culvert-socket-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const close = await serveControl(directory, carry, assert.fail);
  t.after(close);
  return directory;
}

/** Bytes as they are, to who expects a line. */
async function send(directory: string, bytes: string): Promise<string> {
  const socket = connect(path.join(directory, CONTROL_SOCKET));
  socket.write(bytes);
  return text(socket);
}

test('control socket carries the question, progress, and the pods of the answer', async (t) => {
  const asked: Question[] = [];
  const directory = await served(t, async (question, say) => {
    asked.push(question);
    say('web-2 starts');
    say('web-2 is ready');
    return [{ name: 'web-2' }];
  });
  const said: string[] = [];
  const pods = await askDev(await connectToDev(directory), QUESTION, (line) => said.push(line));
  assert.deepEqual(pods, [{ name: 'web-2' }]);
  assert.deepEqual(said, ['web-2 starts', 'web-2 is ready']);
  assert.deepEqual(asked, [QUESTION]);
});

test('control socket carries a failure in its own words, and a bug as one', async (t) => {
  const problems = [new Failure('no deployment "web"'), new Error('oops')];
  const directory = await served(t, () => Promise.reject(problems.shift() ?? new Error()));
  const ask = async () => askDev(await connectToDev(directory), QUESTION, () => {});
  await assert.rejects(ask(), { name: 'Failure', message: 'no deployment "web"' });
  await assert.rejects(ask(), { name: 'Failure', message: 'a bug: oops' });
});

test('control socket refuses what is no question, however it is cut', async (t) => {
  const directory = await served(t, () => assert.fail('nothing was asked'));
  for (const line of ['x\n', '{}\n', '{"do":"restart"}\n', 'x'.repeat(100_000)]) {
    assert.match(
      await send(directory, line),
      /^\{"failed":"dev was asked what it does not know"\}\n$/,
    );
  }
});

test('control socket does what was asked though nobody waits for it', async (t) => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const directory = await served(t, async (_, say) => {
    begun.resolve();
    await go.promise;
    say('web-2 starts');
    done.resolve();
    return [];
  });
  const socket = await connectToDev(directory);
  socket.write(`${JSON.stringify(QUESTION)}\n`);
  await begun.promise;
  socket.destroy();
  go.resolve();
  await done.promise;
});

test('control socket that ends hangs up on whoever is there, asking or not', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'culvert-socket-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const asked = Promise.withResolvers<void>();
  const carry: Carry = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const close = await serveControl(directory, carry, assert.fail);
  t.after(close);
  const idle = await connectToDev(directory);
  const waiting = await connectToDev(directory);
  t.after(() => [idle, waiting].forEach((socket) => socket.destroy()));
  const answered = assert.rejects(
    askDev(waiting, QUESTION, () => {}),
    /the mesh ended before it was done/,
  );
  await asked.promise;
  const hungUp = once(idle.resume(), 'close', { signal: AbortSignal.timeout(5_000) });
  close();
  await Promise.all([hungUp, answered]);
});

test('control socket that cannot be says why, and is done without', async (t) => {
  const parent = mkdtempSync(path.join(tmpdir(), 'culvert-socket-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  const directory = path.join(parent, 'x'.repeat(120));
  mkdirSync(directory);
  const said: string[] = [];
  const warn = (sentence: string): void => void said.push(sentence);
  const close = await serveControl(directory, () => assert.fail('nobody can ask'), warn);
  close();
  assert.equal(said.length, 1);
  assert.match(said[0] ?? '', /^"meshctl dev restart" cannot reach this mesh: listen EINVAL: /);
  assert.match(said[0] ?? '', /a socket may have 107 bytes, this one has 1\d\d: let TMPDIR name/);
  await assert.rejects(connectToDev(directory), /no "meshctl dev" keeps its state in/);
});

test('connectToDev says that no dev runs where none does', async () => {
  const nowhere = path.join(tmpdir(), 'culvert-nowhere');
  await assert.rejects(connectToDev(nowhere), /no "meshctl dev" keeps its state in/);
});

test('askDev of a dev that goes away fails', async (t) => {
  const directory = await served(t, () => new Promise(() => {}));
  const socket = await connectToDev(directory);
  const asked = askDev(socket, QUESTION, () => {});
  socket.end();
  socket.destroy();
  await assert.rejects(asked, { name: 'Failure' });
});
