/** One protocol in, the other out: what the way between them costs. */
import { missingHttp2Backend, startHttp2Backends } from '../peers/http2-backend.ts';
import type { Spoken, Topology } from '../peers/peer.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { type Course, runCourse, withBackends } from './course.ts';
import { KEEP_ALIVE } from './http1.ts';
import { MULTIPLEX } from './http2.ts';
import type { Scenario } from './scenario.ts';

/** The same small exchange as where nothing is translated, as its clients send it there. */
const LOADS: Readonly<Record<Spoken, Load>> = { http1: KEEP_ALIVE, http2: MULTIPLEX };
const RATES = { rates: [5_000], quickRates: [] };

const scenario = (from: Spoken, to: Spoken, about: string): Scenario => ({
  name: `translation/${from}-to-${to}`,
  about,
  quick: false,
  seconds: 96,
  quickSeconds: 45,
  run: (stage) => run(stage, from, to),
});

/** The way without a proxy is that of the clients' protocol: no server takes the other one. */
async function run(stage: Stage, from: Spoken, to: Spoken): Promise<void> {
  const { backends: http1, ledger, loadCore } = stage.parts;
  const missing = missingHttp2Backend();
  if (missing !== undefined) return ledger.skip(stage.scenario, missing);
  await withBackends(startHttp2Backends(1, loadCore), async (http2) => {
    const servers = { http1: http1.slice(0, 1), http2 };
    const [unproxied] = servers[from];
    if (unproxied === undefined) throw new Error(`there is no backend for ${from}`);
    const topology: Topology = {
      direction: 'inbound',
      hops: 1,
      protocol: from,
      backendProtocol: to,
      backends: servers[to],
      unproxied,
      authority: AUTHORITY,
      threads: 1,
    };
    const course: Course = { load: LOADS[from], ...RATES };
    await runCourse(stage, topology, course);
  });
}

/** In the order in which they run. */
export const TRANSLATION_SCENARIOS: readonly Scenario[] = [
  scenario('http1', 'http2', 'HTTP/1.1 on 32 connections to a server of HTTP/2, small answers.'),
  scenario('http2', 'http1', 'HTTP/2 on 8 x 16 streams to a server of HTTP/1.1, small answers.'),
];
