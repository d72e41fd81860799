import { once } from 'node:events';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { profileSelf } from './lazy-profiler.ts';

test('profileSelf closes the port where it cannot answer: its thread lives on', async () => {
  const { port1, port2 } = new MessageChannel();
  const closed = once(port1, 'close');
  port2.postMessage = () => {
    throw new Error('cannot answer');
  };
  await profileSelf({ kind: 'cpu', thread: 0, ms: 1 }, port2);
  await closed;
});
