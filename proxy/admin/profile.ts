/** Profiles of the threads of this process, one of each at a time. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ProfiledThread, ProfileRequest } from '../model/profile.ts';
import { type OwnProfile, profileOwn } from './own-profile.ts';
import type { ProfileAnswer } from './profile-request.ts';

/**
 * Tells a data thread to profile itself and to answer on `port`; false when it is not there. Its end
 * closes the port.
 */
export type AskThread = (thread: number, request: ProfileRequest, port: MessagePort) => boolean;

/** Takes profiles. */
export class Profiler {
  readonly #ask: AskThread;
  /** When each profile that is under way ends, by performance.now(). */
  readonly #endMs = new Map<ProfiledThread, number>();

  constructor(ask: AskThread) {
    this.#ask = ask;
  }

  /**
   * Resolves after `ms` with the profile of a thread; at once with 409 when that is being profiled,
   * and with 503 when it is not there, or dies meanwhile.
   */
  async take(request: ProfileRequest): Promise<ProfileAnswer> {
    const { ms, thread } = request;
    const endMs = this.#endMs.get(thread);
    if (endMs !== undefined) return underWay(thread, endMs - performance.now());
    this.#endMs.set(thread, performance.now() + ms);
    try {
      if (thread === 'main') return { profile: await profileOwn(request) };
      return (await this.#ofDataThread(thread, request)) ?? gone(thread);
    } finally {
      this.#endMs.delete(thread);
    }
  }

  /** Undefined when the thread is not there, or ends. */
  async #ofDataThread(thread: number, request: ProfileRequest): Promise<ProfileAnswer | undefined> {
    const { port1, port2 } = new MessageChannel();
    const heard = Promise.withResolvers<OwnProfile | undefined>();
    port1.once('message', (answer: OwnProfile) => heard.resolve(answer));
    port1.once('close', () => heard.resolve(undefined));
    if (!this.#ask(thread, request, port2)) port1.close();
    const answer = await heard.promise;
    port1.close();
    if (answer !== undefined && 'error' in answer) throw new Error(answer.error);
    return answer;
  }
}

const nameOf = (thread: ProfiledThread): string =>
  thread === 'main' ? 'the main thread' : `data thread ${thread}`;

const gone = (thread: ProfiledThread): ProfileAnswer => ({
  status: 503,
  sentence: `${nameOf(thread)} is starting, or ended meanwhile: try again`,
});

function underWay(thread: ProfiledThread, leftMs: number): ProfileAnswer {
  const seconds = Math.max(1, Math.ceil(leftMs / 1000));
  return {
    status: 409,
    sentence: `${nameOf(thread)} is being profiled: try again in ${seconds} s`,
  };
}
