import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { ProfileRequest } from '../model/profile.ts';
import { type AskThread, Profiler } from './profile.ts';
import type { ProfileAnswer } from './profile-request.ts';

/** A thread that works, in a function whose name a profile must show, and profiles itself. */
const TOILER = `
  const { parentPort } = require('node:worker_threads');
  const module = ${JSON.stringify(new URL('own-profile.ts', import.meta.url).href)};
  let kept;
  function toil() { kept = JSON.stringify(Array.from({ length: 5_000 }, (_, i) => ({ i }))); }
  setInterval(toil, 1);
  import(module).then(({ answerProfile }) => {
    parentPort.on('message', ({ request, port }) => answerProfile(request, port));
    parentPort.postMessage('up');
  });`;

async function startWorker(): Promise<Worker & AsyncDisposable> {
  const worker = new Worker(TOILER, { eval: true });
  await once(worker, 'message');
  const stop = async (): Promise<void> => void (await worker.terminate());
  return Object.assign(worker, { [Symbol.asyncDispose]: stop });
}

/** Reaches `worker()`, whichever thread is asked. */
const asking =
  (worker: () => Worker | undefined): AskThread =>
  (_thread, request, port) => {
    worker()?.postMessage({ request, port }, [port]);
    return worker() !== undefined;
  };

interface Parsed {
  readonly nodes?: readonly unknown[];
  readonly samples?: readonly unknown[];
  readonly head?: object;
  readonly culvert: { readonly thread: string; readonly cpuUs: number };
}

function parsed(answer: ProfileAnswer): Parsed {
  assert.ok('profile' in answer, JSON.stringify(answer));
  return JSON.parse(answer.profile) as Parsed;
}

const cpu = (thread: ProfileRequest['thread'], ms: number): ProfileRequest => ({
  kind: 'cpu',
  thread,
  ms,
});

test('Profiler takes a CPU profile of a data thread, and notes what V8 does not know', async () => {
  await using worker = await startWorker();
  const profiler = new Profiler(asking(() => worker));
  const { culvert, nodes, samples } = parsed(await profiler.take(cpu(1, 200)));
  assert.match(JSON.stringify(nodes), /"toil"/);
  assert.ok((samples ?? []).length > 10);
  assert.equal(culvert.thread, '1');
  assert.ok(culvert.cpuUs > 0 && culvert.cpuUs < 5_000_000, `${culvert.cpuUs}`);
});

test('Profiler sees allocations that were garbage at once', async () => {
  await using worker = await startWorker();
  const profiler = new Profiler(asking(() => worker));
  const answer = await profiler.take({ kind: 'allocations', thread: 0, ms: 200 });
  const { culvert, head } = parsed(answer);
  assert.match(JSON.stringify(head), /"toil"/);
  assert.equal(culvert.thread, '0');
});

test('Profiler takes profiles of the main thread', async () => {
  const profiler = new Profiler(() => false);
  const time = parsed(await profiler.take(cpu('main', 20)));
  assert.ok(time.nodes !== undefined && time.culvert.thread === 'main');
  const heap = parsed(await profiler.take({ kind: 'allocations', thread: 'main', ms: 20 }));
  assert.ok(heap.head !== undefined);
});

test('Profiler takes one profile of a thread at a time', async () => {
  await using worker = await startWorker();
  const profiler = new Profiler(asking(() => worker));
  const first = profiler.take(cpu(0, 500));
  assert.deepEqual(await profiler.take({ kind: 'allocations', thread: 0, ms: 500 }), {
    status: 409,
    sentence: 'data thread 0 is being profiled: try again in 1 s',
  });
  assert.ok('profile' in (await profiler.take(cpu('main', 10))));
  assert.ok('profile' in (await first));
  assert.ok('profile' in (await profiler.take(cpu(0, 10))));
});

test('Profiler says that a thread is not there, or ended meanwhile, and starts anew', async () => {
  const gone = {
    status: 503,
    sentence: 'data thread 0 is starting, or ended meanwhile: try again',
  };
  let worker: Worker | undefined;
  const profiler = new Profiler(asking(() => worker));
  assert.deepEqual(await profiler.take(cpu(0, 10)), gone);
  await using dying = await startWorker();
  worker = dying;
  const answer = profiler.take(cpu(0, 30_000));
  // Answered after the request for the profile was heard.
  await dying.getHeapStatistics();
  await dying.terminate();
  assert.deepEqual(await answer, gone);
  await using living = await startWorker();
  worker = living;
  assert.ok('profile' in (await profiler.take(cpu(0, 10))));
});

test('Profiler passes on why a thread cannot be profiled', async () => {
  const profiler = new Profiler((_thread, _request, port) => {
    port.postMessage({ error: 'out of order' });
    port.close();
    return true;
  });
  await assert.rejects(profiler.take(cpu(0, 10)), /out of order/);
});
