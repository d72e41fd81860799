/**
 * A closed loop by autocannon behind the shape of our own generator: a second opinion on how many
 * requests a server answers and on its errors, by code that is not ours. It costs several times the
 * CPU of our generator a request, so where both share a core with the backend its rate says more
 * about itself than about the server, and its latencies are a closed loop's, its own queueing
 * included: good for counts and rates between arms of one run, not for percentiles.
 */
import type { ForeignProgram } from './foreign-loader.ts';
import type { LoadPlan } from './plan.ts';

/** What of a plan autocannon cannot do, one sentence; undefined when it can be run. */
export function autocannonProblem(plan: LoadPlan): string | undefined {
  if (plan.arrival.kind !== 'closed') return 'autocannon only drives closed loops here';
  if (plan.idleConnections > 0) return 'autocannon holds no idle connections';
  if (plan.connectionPerRequest) {
    return 'autocannon does not report the answers of connections that it ends';
  }
  if (plan.requests.some(({ answerBytes }) => answerBytes !== undefined)) {
    return 'autocannon checks no length of answers: leave answerBytes out';
  }
  return undefined;
}

/** For ForeignLoader.start. */
export const AUTOCANNON: ForeignProgram = {
  entry: 'bench/load/autocannon-main.ts',
  problem: autocannonProblem,
};
