/** The process of bench/load/autocannon.ts: plans in, replies out, as bench/load/main.ts. */
import { setTimeout as pause } from 'node:timers/promises';
import autocannon from 'autocannon';
import { formatSocketAddress } from '../../base/settings.ts';
import { answerPlans } from './answer-plans.ts';
import { dieWithParent } from './libc.ts';
import type { LoadPlan, LoadResult, RequestShape } from './plan.ts';
import { readClocks, spentBetween } from './readings.ts';
import { Tally } from './tally.ts';

/** Longer than any run: `stop` ends it. */
const ENDLESS_S = 86_400;
/** How soon it looks whether it was stopped. */
const SAMPLE_MS = 100;
const ERROR_STATUS = 400;

/** autocannon asks for its list in turn: each shape as often as its weight. */
const inTurn = (shape: RequestShape): autocannon.Request[] =>
  Array.from({ length: shape.weight }, () => ({
    method: shape.method,
    path: shape.path,
    ...(shape.bodyBytes > 0 ? { body: Buffer.alloc(shape.bodyBytes, 'x') } : {}),
  }));

async function run(plan: LoadPlan): Promise<LoadResult> {
  const { to, authority, connections, requests, warmupMs, durationMs, watch } = plan;
  readClocks(watch);
  const tally = new Tally();
  let open = false;
  let answers = 0;
  let bytesReceived = 0;
  let fault: string | undefined;
  const ended = Promise.withResolvers<void>();
  const options = {
    url: `http://${formatSocketAddress(to)}`,
    connections,
    duration: ENDLESS_S,
    sampleInt: SAMPLE_MS,
    headers: { host: authority },
    requests: requests.flatMap(inTurn),
  };
  const instance = autocannon(options, () => ended.resolve());
  instance.on('response', (_client, status, bytes, latencyMs) => {
    answers++;
    if (!open) return;
    tally.completed++;
    bytesReceived += bytes;
    if (status < ERROR_STATUS) tally.recordAnswer(latencyMs * 1e3);
    else tally.count(`status ${status}`);
  });
  instance.on('reqError', (error: unknown) => {
    fault = error instanceof Error ? error.message : String(error);
    if (open) tally.count(fault);
  });
  try {
    await pause(warmupMs);
    if (answers === 0 && fault !== undefined) {
      throw new Error(`${formatSocketAddress(to)} does not answer: ${fault}`);
    }
    const before = readClocks(watch);
    const startMs = performance.now();
    open = true;
    await pause(durationMs);
    open = false;
    const after = readClocks(watch);
    const wallUs = (performance.now() - startMs) * 1e3;
    // What was under way at the end is in no count.
    const counted = tally.summarize(plan.arrival);
    const errors = Object.values(counted.errors).reduce((sum, count) => sum + count, 0);
    const sent = counted.answered + errors;
    const spent = spentBetween(before, after);
    return { ...counted, due: sent, sent, realTime: false, wallUs, bytesReceived, ...spent };
  } finally {
    instance.stop();
    await ended.promise;
  }
}

dieWithParent();
await answerPlans(run);
