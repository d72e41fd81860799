/** What a data thread says of itself when it is asked, for people (/config.json). It crosses threads. */
import type { Direction } from './exchange.ts';

/** One endpoint as the thread uses it. */
export interface EndpointState {
  /** "address:port". */
  readonly address: string;
  /** Attempts under way. */
  readonly pending: number;
  /** Idle HTTP/1 connections. */
  readonly idle: number;
  /** Why the last dial failed; undefined since one succeeded. */
  readonly lastDialError: string | undefined;
  /** Since the first dial that failed with none that succeeded behind it, milliseconds. */
  readonly failingForMs: number | undefined;
}

/** A target that the thread has asked for, or was given. */
export interface DestinationState {
  readonly key: string;
  /** Of what is in force; undefined while there is nothing. */
  readonly authority: string | undefined;
  readonly ready: number;
  readonly total: number;
  /** Since no endpoint has been ready, milliseconds; undefined while one is. */
  readonly noneReadyForMs: number | undefined;
  /** Why requests to it fail, where that is settled; undefined where they are sent on, or wait. */
  readonly problem: string | undefined;
  readonly endpoints: readonly EndpointState[];
}

/** A failure that was counted lately, and how often. */
export interface RecentError {
  readonly direction: Direction;
  readonly error: string;
  readonly sentence: string;
  readonly count: number;
  /** Since the last one, milliseconds. */
  readonly agoMs: number;
}

/** All a thread says. */
export interface ThreadState {
  readonly destinations: readonly DestinationState[];
  /** The latest first. */
  readonly errors: readonly RecentError[];
}
