/**
 * A profile of the thread that calls, as V8 writes it: `.cpuprofile` or `.heapprofile`. V8 samples only
 * while one is under way. `Worker` can start one from outside, but samples no oftener than each
 * millisecond; the inspector does, and works on its own thread only.
 */
import { Session } from 'node:inspector/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { startHeapProfile } from 'node:v8';
import type { MessagePort } from 'node:worker_threads';
import type { ProfileRequest } from '../model/profile.ts';

/** 5,000 samples a second. */
const CPU_INTERVAL_US = 200;
/**
 * A sample each 16 KiB on average, a few tens of requests. Without what was collected since only what
 * stays would be seen, and hardly anything of a request does.
 */
const ALLOCATIONS = {
  sampleInterval: 16_384,
  stackDepth: 64,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
};

/** What a data thread answers on the port that it was given. */
export type OwnProfile = { readonly profile: string } | { readonly error: string };

/**
 * Resolves after `ms` with the profile's JSON, to which a field `culvert` is added: {thread, cpuUs},
 * the CPU time that the thread spent, which V8 cannot know. Writing it holds the thread up for some
 * milliseconds at the end.
 */
export async function profileOwn({ kind, ms, thread }: ProfileRequest): Promise<string> {
  let cpuUs = 0;
  // Called once sampling has begun: what beginning costs is not the thread's own work.
  const wait = async (): Promise<void> => {
    const before = process.threadCpuUsage();
    await pause(ms, undefined, { ref: false });
    const { system, user } = process.threadCpuUsage(before);
    cpuUs = system + user;
  };
  const profile = await (kind === 'cpu' ? cpuDuring(wait) : allocationsDuring(wait));
  const note = JSON.stringify({ thread: String(thread), cpuUs });
  return `${profile.slice(0, profile.lastIndexOf('}'))},"culvert":${note}}`;
}

/** Profiles this thread and answers; its end closes the port too. */
export async function answerProfile(request: ProfileRequest, port: MessagePort): Promise<void> {
  let answer: OwnProfile;
  try {
    answer = { profile: await profileOwn(request) };
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(answer);
  port.close();
}

async function cpuDuring(wait: () => Promise<void>): Promise<string> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_US });
    await session.post('Profiler.start');
    await wait();
    const { profile } = await session.post('Profiler.stop');
    return JSON.stringify(profile);
  } finally {
    session.disconnect();
  }
}

async function allocationsDuring(wait: () => Promise<void>): Promise<string> {
  using handle = startHeapProfile(ALLOCATIONS);
  await wait();
  return handle.stop();
}
