/**
 * What a proxy needs file descriptors for, and how many links that leaves it: as many as it serves it
 * must be able to open, or it fails at a place where nothing can be said of it.
 */
import assert from 'node:assert/strict';
import { type LimitValues, limits } from './limits.ts';

/** Descriptors of a process besides its links, by consumer: measured, and as much again. */
export const PROCESS_DESCRIPTORS = {
  /** Loop, signals, standard streams, thread pool. */
  runtime: 32,
  controlStream: 4,
  /** Files and names that are being looked up. */
  lookups: 12,
  admin: 1 + limits.adminLinksMax,
};

/** Descriptors of each data thread besides its links and listeners, by consumer. */
export const THREAD_DESCRIPTORS = {
  runtime: 12,
  refusedLinks: limits.refusedLinksMax,
  /** Links that were reclaimed or ended count no more before they are closed. */
  closingLinks: 8,
};

/** Descriptors of each of several data threads besides these, by consumer. */
export const SHARING_DESCRIPTORS = {
  /** Nobody counts a link before it has arrived. */
  passedLinks: limits.passedLinksMax,
};

/** With fewer connections each way a thread is of no use. */
const LINKS_PER_THREAD_MIN = 8;
/** Of the descriptors for links; threads do not share evenly, so each may dial half as many again. */
const DOWNSTREAM_SHARE = { alone: 0.5, several: 0.4 };

/** What a process has descriptors for. */
export interface DescriptorUse {
  /** Of the process. */
  readonly limit: number;
  readonly threads: number;
  /** Of each thread; the main thread holds them too when there are several. */
  readonly listeners: number;
}

const sum = (needs: Readonly<Record<string, number>>): number =>
  Object.values(needs).reduce((total, need) => total + need, 0);

/**
 * `values` with no more links than the process has descriptors for, and as many upstream as
 * downstream or more: with one thread every connection that is served finds a way on. Of several,
 * one that holds more than 3/2 of its share of the downstream links, because others lost theirs,
 * answers 503 to the requests of those above. Throws when there are too few to serve.
 */
export function fitDescriptors(values: LimitValues, use: DescriptorUse): LimitValues {
  const { limit, listeners, threads } = use;
  const sharing = threads > 1 ? sum(SHARING_DESCRIPTORS) : 0;
  const ofThread = sum(THREAD_DESCRIPTORS) + sharing + listeners;
  const fixed = sum(PROCESS_DESCRIPTORS) + listeners + threads * ofThread;
  const least = 2 * LINKS_PER_THREAD_MIN * threads;
  if (limit < fixed + least) {
    throw new Error(
      `the limit of open files is ${limit}: with ${threads} data threads the proxy needs ` +
        `${fixed + least} (ulimit -n)`,
    );
  }
  const share = threads > 1 ? DOWNSTREAM_SHARE.several : DOWNSTREAM_SHARE.alone;
  const downstream = Math.floor((limit - fixed) * share);
  const upstream = Math.floor((limit - fixed - downstream) / threads);
  assert(fixed + downstream + threads * upstream <= limit, 'no more than there are');
  const { downstreamLinksMax = limits.downstreamLinksMax } = values;
  const { upstreamLinksMax = limits.upstreamLinksMax } = values;
  return {
    ...values,
    downstreamLinksMax: Math.min(downstreamLinksMax, downstream),
    upstreamLinksMax: Math.min(upstreamLinksMax, upstream),
    boundingDescriptors: downstream < downstreamLinksMax || upstream < upstreamLinksMax ? limit : 0,
  };
}
