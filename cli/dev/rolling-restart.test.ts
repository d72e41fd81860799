import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rollPods, surgeOf } from './rolling-restart.ts';

interface TestPod {
  readonly name: string;
  ready: boolean;
}

/** Lets all go on that can. */
async function settle(): Promise<void> {
  for (let i = 0; i < 40; i++) await Promise.resolve();
}

/** Steps in the test's hands; `told` says what was asked for, in order. */
function bench(replicas: number, unready: readonly number[] = [], wanted = replicas) {
  const old = Array.from({ length: replicas }, (_, i): TestPod => ({
    name: `old ${i}`,
    ready: !unready.includes(i),
  }));
  const told: string[] = [];
  const starts: PromiseWithResolvers<TestPod>[] = [];
  const ends = new Map<string, () => void>();
  const waits: PromiseWithResolvers<void>[] = [];
  const rolled = rollPods(old, wanted, {
    start: () => {
      told.push('start');
      const start = Promise.withResolvers<TestPod>();
      starts.push(start);
      return start.promise;
    },
    end: (pod) => {
      told.push(`end ${pod.name}`);
      return new Promise((resolve) => ends.set(pod.name, resolve));
    },
    isReady: (pod) => pod.ready,
    wait: (times) => {
      told.push(`wait ${times}`);
      const wait = Promise.withResolvers<void>();
      waits.push(wait);
      return wait.promise;
    },
  });
  const fresh: TestPod[] = [];
  return {
    rolled,
    fresh,
    take: () => told.splice(0),
    /** The pod that was started first and is not ready yet is. */
    ready: async (): Promise<void> => {
      const pod = { name: `new ${fresh.length}`, ready: true };
      fresh.push(pod);
      starts.shift()?.resolve(pod);
      await settle();
    },
    looks: async (): Promise<void> => {
      waits.shift()?.resolve();
      await settle();
    },
    tires: async (reason: string): Promise<void> => {
      waits.shift()?.reject(new Error(reason));
      await settle();
    },
    fails: async (reason: string): Promise<void> => {
      starts.shift()?.reject(new Error(reason));
      await settle();
    },
    gone: async (name: string): Promise<void> => {
      ends.get(name)?.();
      await settle();
    },
  };
}

test('surgeOf rounds as Kubernetes does', () => {
  const rows = [0, 1, 2, 3, 4, 5, 8, 10].map((n) => {
    const { fewer, more } = surgeOf(n);
    return [n, more, fewer];
  });
  assert.deepEqual(rows, [
    [0, 0, 0],
    [1, 1, 0],
    [2, 1, 0],
    [3, 1, 0],
    [4, 1, 1],
    [5, 2, 1],
    [8, 2, 2],
    [10, 3, 2],
  ]);
});

test('rollPods of one replica has the new one ready before the old one goes', async () => {
  const { gone, ready, rolled, take } = bench(1);
  assert.deepEqual(take(), ['start']);
  await ready();
  assert.deepEqual(take(), ['end old 0']);
  await gone('old 0');
  assert.deepEqual(
    (await rolled).map(({ name }) => name),
    ['new 0'],
  );
});

test('rollPods of two replicas starts the next while the last one goes', async () => {
  const { gone, ready, rolled, take } = bench(2);
  assert.deepEqual(take(), ['start']);
  await ready();
  assert.deepEqual(take(), ['end old 0', 'start']);
  await ready();
  assert.deepEqual(take(), ['end old 1']);
  await gone('old 0');
  await gone('old 1');
  assert.equal((await rolled).length, 2);
});

test('rollPods of four replicas has one more and one fewer at a time', async () => {
  const { gone, ready, rolled, take } = bench(4);
  assert.deepEqual(take(), ['end old 0', 'start', 'start']);
  await gone('old 0');
  assert.deepEqual(take(), [], 'three serve, and two start');
  await ready();
  assert.deepEqual(take(), ['end old 1', 'start']);
  await ready();
  assert.deepEqual(take(), ['end old 2', 'start']);
  await ready();
  await ready();
  assert.deepEqual(take(), ['end old 3']);
  for (const name of ['old 1', 'old 2', 'old 3']) await gone(name);
  assert.equal((await rolled).length, 4);
});

test('rollPods ends pods that do not serve first', async () => {
  const { gone, ready, rolled, take } = bench(4, [2, 3]);
  assert.deepEqual(take(), ['end old 2', 'start', 'start'], 'three of four are left, or in sight');
  await gone('old 2');
  await ready();
  assert.deepEqual(take(), ['end old 3', 'start']);
  await gone('old 3');
  await ready();
  assert.deepEqual(take(), ['end old 0', 'start']);
  await gone('old 0');
  await ready();
  assert.deepEqual(take(), ['end old 1']);
  await ready();
  await gone('old 1');
  assert.equal((await rolled).length, 4);
});

test('rollPods ends no pod that does not serve when the new one does not start', async () => {
  const { fails, rolled, take } = bench(1, [0]);
  assert.deepEqual(take(), ['start']);
  const failed = assert.rejects(rolled, /web-2 was not ready/);
  await fails('web-2 was not ready');
  await failed;
  assert.deepEqual(take(), []);
});

test('rollPods starts as many as are wanted, however few there are', async () => {
  const { ready, rolled, take } = bench(0, [], 2);
  assert.deepEqual(take(), ['start', 'start']);
  await ready();
  await ready();
  assert.equal((await rolled).length, 2);
});

test('rollPods ends what is more than wanted', async () => {
  const { gone, ready, rolled, take } = bench(4, [], 2);
  assert.deepEqual(take(), ['end old 0', 'end old 1', 'start']);
  await gone('old 0');
  await gone('old 1');
  await ready();
  assert.deepEqual(take(), ['end old 2', 'start']);
  await gone('old 2');
  await ready();
  assert.deepEqual(take(), ['end old 3']);
  await gone('old 3');
  assert.equal((await rolled).length, 2);
});

test('rollPods counts a new pod only while it is ready', async () => {
  const { fresh, gone, looks, ready, rolled, take } = bench(2);
  await ready();
  assert.deepEqual(take(), ['start', 'end old 0', 'start']);
  await gone('old 0');
  fresh[0]!.ready = false;
  await ready();
  assert.deepEqual(take(), ['wait 1'], 'one new pod and one old pod serve');
  await looks();
  assert.deepEqual(take(), ['wait 2']);
  fresh[0]!.ready = true;
  await looks();
  assert.deepEqual(take(), ['end old 1']);
  fresh[1]!.ready = false;
  await gone('old 1');
  assert.deepEqual(take(), ['wait 1'], 'not all new pods serve');
  fresh[1]!.ready = true;
  await looks();
  assert.deepEqual(await rolled, fresh);
});

test('rollPods fails when a new pod stays not ready, and leaves the old ones', async () => {
  const { fresh, gone, ready, rolled, take, tires } = bench(2);
  const failed = assert.rejects(rolled, /are not ready any more/);
  await ready();
  assert.deepEqual(take(), ['start', 'end old 0', 'start']);
  fresh[0]!.ready = false;
  await ready();
  await gone('old 0');
  assert.deepEqual(take(), ['wait 1']);
  await tires('new pods are not ready any more');
  await failed;
  assert.deepEqual(take(), []);
});

test('rollPods stops when a new pod does not start, and ends no other old one', async () => {
  const { fails, rolled, take } = bench(2);
  take();
  const failed = assert.rejects(rolled, /web-3 was not ready/);
  await fails('web-3 was not ready');
  await failed;
  assert.deepEqual(take(), []);
});

test('rollPods of nothing is done at once', async () => {
  const { rolled, take } = bench(0);
  assert.deepEqual([await rolled, take()], [[], []]);
});
