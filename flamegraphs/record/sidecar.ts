/** Profiles of every thread of live sidecars, at the same time, through their admin ports. */
import { type SocketAddress, formatSocketAddress } from '../../base/settings.ts';
import type { RecordingKind, ThreadRecording } from '../recording.ts';
import { parseProfile, threadOf } from '../read/parse.ts';

const PATHS: Readonly<Record<RecordingKind, string>> = {
  cpu: '/profile.cpuprofile',
  allocations: '/profile.heapprofile',
};
const SLACK_MS = 15_000;

/** What is to be recorded. */
export interface Wish {
  readonly kind: RecordingKind;
  /** Above 0, at most 60. */
  readonly seconds: number;
}

/**
 * Records main and data threads of the sidecars with these admin addresses; data threads come
 * first. Rejects with the sentence of the sidecar that refused.
 */
export async function recordSidecars(
  admins: readonly SocketAddress[],
  wish: Wish,
): Promise<readonly ThreadRecording[]> {
  const threads = await Promise.all(admins.map(threadsOf));
  const recorded = await Promise.all(
    admins.flatMap((admin, i) => {
      const prefix = admins.length > 1 ? `sidecar ${i + 1}, ` : '';
      return threads[i]!.map(async (thread) =>
        threadOf(parseProfile(await profileOf(admin, thread, wish)), prefix),
      );
    }),
  );
  return recorded;
}

/** "0", "1", …, "main". */
async function threadsOf(admin: SocketAddress): Promise<readonly string[]> {
  const { threads } = JSON.parse(await read(admin, '/config.json', SLACK_MS)) as {
    readonly threads?: readonly unknown[];
  };
  if (threads === undefined) {
    throw new Error(`${formatSocketAddress(admin)} is not the admin port of a sidecar`);
  }
  return [...threads.map((_, thread) => String(thread)), 'main'];
}

function profileOf(admin: SocketAddress, thread: string, { kind, seconds }: Wish): Promise<string> {
  const target = `${PATHS[kind]}?seconds=${seconds}&thread=${thread}`;
  return read(admin, target, seconds * 1000 + SLACK_MS);
}

async function read(admin: SocketAddress, target: string, ms: number): Promise<string> {
  return readUrl(`http://${formatSocketAddress(admin)}${target}`, ms);
}

/** The text at `url`; rejects with a sentence when it is not there within `ms`. */
export async function readUrl(url: string, ms: number): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(ms) });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${url}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause: error,
    });
  }
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${text.trim()}`);
  return text;
}
