/** What a sidecar adds to a profile of its own: which thread it is, and what V8 cannot know. */

/** The field `culvert` of a profile (proxy/admin/profile.ts). */
export interface ThreadNote {
  /** "main", "0", "1", … */
  readonly thread: string;
  /** CPU time of the thread meanwhile, microseconds, system calls included. */
  readonly cpuUs: number | undefined;
}

/** Undefined when it is not there: the profile comes from elsewhere. */
export function readNote(profile: object): ThreadNote | undefined {
  if (!('culvert' in profile)) return undefined;
  const note = profile.culvert;
  if (typeof note !== 'object' || note === null || !('thread' in note)) return undefined;
  const cpuUs = 'cpuUs' in note && typeof note.cpuUs === 'number' ? note.cpuUs : undefined;
  return { thread: String(note.thread), cpuUs };
}

/** As people call it. */
export const threadName = (thread: string): string =>
  thread === 'main' ? 'main thread' : `data thread ${thread}`;
