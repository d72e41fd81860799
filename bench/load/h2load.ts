/**
 * A closed loop by h2load behind the shape of our own generator: HTTP/2 as many others measure it, by
 * code that is not ours. It tells no latencies that could be merged, so it is for rates and CPU.
 */
import { missingProgram } from '../peers/program.ts';
import type { ForeignProgram } from './foreign-loader.ts';
import type { LoadPlan } from './plan.ts';

/** One sentence when h2load is not installed; undefined when it is. */
export const missingH2load = (): string | undefined =>
  missingProgram({ program: 'h2load', debianPackage: 'nghttp2-client' });

/** What of a plan h2load cannot do, one sentence; undefined when it can be run. */
export function h2loadProblem(plan: LoadPlan): string | undefined {
  if (plan.protocol !== 'http2') return 'h2load speaks HTTP/2 here';
  if (plan.arrival.kind !== 'closed') return 'h2load only drives closed loops here';
  if (plan.idleConnections > 0) return 'h2load holds no idle connections';
  if (plan.requests.some(({ bodyBytes, method }) => method !== 'GET' || bodyBytes > 0)) {
    return 'h2load sends GETs here';
  }
  if (plan.requests.some(({ answerBytes }) => answerBytes !== undefined)) {
    return 'h2load checks no length of answers: leave answerBytes out';
  }
  return undefined;
}

/** For ForeignLoader.start. */
export const H2LOAD: ForeignProgram = {
  entry: 'bench/load/h2load-main.ts',
  problem: h2loadProblem,
};
