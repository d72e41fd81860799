/** Whatever holds a recording, from its text. */
import { RECORDING_ID } from '../page/embedded.ts';
import type { Recording, RecordingKind, ThreadRecording } from '../recording.ts';
import { type ProfiledThread, isCpuProfile, readCpuProfile } from './cpu-profile.ts';
import { isHeapProfile, readHeapProfile } from './heap-profile.ts';
import { isPacked, unpack } from './packed.ts';
import { threadName } from './thread-note.ts';

const EMBEDDED = new RegExp(`<script type="application/json" id="${RECORDING_ID}">(.*?)</script>`);

/** A thread's profile, of V8. */
export interface Profile extends ProfiledThread {
  readonly kind: RecordingKind;
}

/**
 * The recording in `text`, which is a page of ours, its JSON, a `.cpuprofile` or a `.heapprofile`;
 * `title` is for what has none. Throws a sentence when it is none of these.
 */
export function parseRecording(text: string, title: string): Recording {
  const json = text.trimStart().startsWith('<') ? EMBEDDED.exec(text)?.[1] : text;
  if (json === undefined) throw new Error(`${title} is a page without a recording`);
  const value = jsonObject(json);
  if (value !== undefined && isPacked(value)) return unpack(value);
  const profile = value === undefined ? undefined : profileOf(value);
  if (profile === undefined) {
    throw new Error(
      `${title} holds no recording: neither a page of flame graphs or its JSON, nor a .cpuprofile or a .heapprofile`,
    );
  }
  return {
    title,
    kind: profile.kind,
    facts: [],
    requests: undefined,
    per: 'recording',
    seconds: profile.seconds,
    compared: false,
    threads: [threadOf(profile)],
  };
}

/** The profile in `text`, as V8 writes it; throws a sentence when it is none. */
export function parseProfile(text: string): Profile {
  const value = jsonObject(text);
  const profile = value === undefined ? undefined : profileOf(value);
  if (profile === undefined) throw new Error('neither a .cpuprofile nor a .heapprofile');
  return profile;
}

/** Under the name that the profile itself gives its thread; `prefix` comes before it. */
export function threadOf({ note, root }: ProfiledThread, prefix = ''): ThreadRecording {
  return { name: `${prefix}${note === undefined ? 'thread' : threadName(note.thread)}`, root };
}

function profileOf(value: object): Profile | undefined {
  if (isCpuProfile(value)) return { kind: 'cpu', ...readCpuProfile(value) };
  return isHeapProfile(value) ? { kind: 'allocations', ...readHeapProfile(value) } : undefined;
}

function jsonObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
