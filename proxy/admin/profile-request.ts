/** A request for a profile, and what comes of it. */
import type { ProfileKind, ProfileRequest } from '../model/profile.ts';

/** JSON as V8 writes it, or why there is none now. */
export type ProfileAnswer =
  | { readonly profile: string }
  | { readonly status: 409 | 503; readonly sentence: string };

/** Bounds the samples that a thread holds, and how long others must wait. */
const SECONDS_MAX = 60;
const SECONDS_DEFAULT = '5';

/** Reads `?seconds=5&thread=0` of a process with so many data threads, or says what is wrong. */
export function readProfileRequest(
  kind: ProfileKind,
  query: URLSearchParams,
  threads: number,
): ProfileRequest | string {
  const seconds = Number(query.get('seconds') ?? SECONDS_DEFAULT);
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
    return `seconds must be above 0 and at most ${SECONDS_MAX}`;
  }
  const asked = query.get('thread') ?? '0';
  const thread = asked === 'main' ? asked : /^\d{1,3}$/.test(asked) ? Number(asked) : threads;
  if (thread !== 'main' && thread >= threads) return `thread must be main, or 0 to ${threads - 1}`;
  return { kind, thread, ms: seconds * 1000 };
}
