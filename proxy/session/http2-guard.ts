/**
 * Counts frames that cost us work and their sender nothing (performance.md's list of abuse): per
 * kind and second, each with its own limit. What is within the limits is what real peers do.
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import {
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_HEADERS,
  FLAG_END_STREAM,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
} from '../codec/http2/frame.ts';
import { ENHANCE_YOUR_CALM, type Http2Fault } from '../codec/http2/error-code.ts';
import { limits } from '../limits.ts';
import type { Http2Limit } from '../model/http2-limit.ts';

const PERIOD_MS = 1_000;
/** Counters, by the type of the frames; tiny DATA has one of its own. */
const TINY_DATA = FRAME_CONTINUATION + 1;
const COUNTERS = TINY_DATA + 1;
/** DATA of fewer bytes costs more than it carries; streams of small messages are made of it. */
const TINY_BYTES = 32;

/** One connection's counts. */
export class Http2Guard {
  readonly #wheel: TimerWheel;
  readonly #counts = new Uint32Array(COUNTERS);
  readonly #timer = new Timer(() => this.#counts.fill(0));

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  // HOT: per frame. The fault of a frame that is one too many; undefined otherwise.
  frame(type: number, length: number, flags: number): Http2Fault | undefined {
    switch (type) {
      case FRAME_DATA:
        if (length >= TINY_BYTES || (flags & FLAG_END_STREAM) !== 0) return undefined;
        return length === 0
          ? this.#count(FRAME_DATA, limits.emptyDataPerSecondMax, 'empty-data')
          : this.#count(TINY_DATA, limits.tinyDataPerSecondMax, 'empty-data');
      // What they mean depends on their stream: resetStream is called for those that count.
      case FRAME_HEADERS:
      case FRAME_RST_STREAM:
        return undefined;
      case FRAME_SETTINGS:
        return this.#count(FRAME_SETTINGS, limits.settingsPerSecondMax, 'settings');
      case FRAME_PING:
        return this.#count(FRAME_PING, limits.pingsPerSecondMax, 'ping');
      case FRAME_CONTINUATION:
        return this.#count(FRAME_CONTINUATION, limits.continuationsPerSecondMax, 'continuation');
      case FRAME_WINDOW_UPDATE:
        return this.#count(FRAME_WINDOW_UPDATE, limits.windowUpdatesPerSecondMax, 'window-update');
      // PRIORITY, GOAWAY, and what RFC 9113 does not know.
      default:
        return this.#count(FRAME_PRIORITY, limits.uselessPerSecondMax, 'useless');
    }
  }

  /** DATA that is padding only and does not end its stream. */
  padding(): Http2Fault | undefined {
    return this.#count(FRAME_DATA, limits.emptyDataPerSecondMax, 'empty-data');
  }

  /** A stream that was reset, by the peer or because of what it sent: both begin and drop work. */
  resetStream(): Http2Fault | undefined {
    return this.#count(FRAME_RST_STREAM, limits.resetsPerSecondMax, 'resets');
  }

  stop(): void {
    this.#wheel.cancel(this.#timer);
  }

  #count(kind: number, max: number, limit: Http2Limit): Http2Fault | undefined {
    if (!this.#timer.armed) this.#wheel.set(this.#timer, PERIOD_MS);
    const count = (this.#counts[kind] ?? 0) + 1;
    this.#counts[kind] = count;
    if (count <= max) return undefined;
    return {
      code: ENHANCE_YOUR_CALM,
      sentence: `More than ${max} frames a second (${limit}).`,
      limit,
    };
  }
}
