/** Profiles on demand: a sidecar that nobody profiles does not load what does it. */
import type { MessagePort } from 'node:worker_threads';
import type { ProfileRequest } from '../model/profile.ts';
import type { AskThread } from './profile.ts';
import type { ProfileAnswer } from './profile-request.ts';

/** Takes profiles; `ask` reaches a data thread. */
export function lazyProfiler(ask: AskThread): (request: ProfileRequest) => Promise<ProfileAnswer> {
  // One for all: it knows which threads are being profiled.
  const load = async () => new (await import('./profile.ts')).Profiler(ask);
  let profiler: ReturnType<typeof load> | undefined;
  return async (request) => {
    profiler ??= load();
    return (await profiler).take(request);
  };
}

/** Profiles the thread that calls, which answers on `port`, or closes it; never rejects. */
export async function profileSelf(request: ProfileRequest, port: MessagePort): Promise<void> {
  try {
    const { answerProfile } = await import('./own-profile.ts');
    await answerProfile(request, port);
  } catch {
    // As without a descriptor to load it with: no reason for the thread, and its connections, to end.
    port.close();
  }
}
