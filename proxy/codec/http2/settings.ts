/** SETTINGS (RFC 9113 section 6.5, RFC 8441): what a peer announced, and what we announce. */
import { limits } from '../../limits.ts';
import { FLOW_CONTROL_ERROR, http2Fault, PROTOCOL_ERROR } from './error-code.ts';
import type { Http2Fault } from './error-code.ts';
import {
  FRAME_BYTES_DEFAULT,
  FRAME_BYTES_LIMIT,
  uint32,
  WINDOW_BYTES_DEFAULT,
  WINDOW_BYTES_MAX,
} from './frame.ts';

/** Identifiers (RFC 9113 section 6.5.2). */
export const SETTINGS_HEADER_TABLE_SIZE = 0x1;
export const SETTINGS_ENABLE_PUSH = 0x2;
export const SETTINGS_MAX_CONCURRENT_STREAMS = 0x3;
export const SETTINGS_INITIAL_WINDOW_SIZE = 0x4;
export const SETTINGS_MAX_FRAME_SIZE = 0x5;
export const SETTINGS_MAX_HEADER_LIST_SIZE = 0x6;
/** RFC 8441 section 3. */
export const SETTINGS_ENABLE_CONNECT_PROTOCOL = 0x8;

/** Octets of one setting: identifier (16), value (32). */
export const SETTING_BYTES = 6;
/** Dynamic table of HPACK before anybody says otherwise, and what we keep. */
export const HEADER_TABLE_BYTES_DEFAULT = 4096;
/** A value that stands for "no limit". */
const UNLIMITED = 0xffff_ffff;

const BAD_PUSH = http2Fault(PROTOCOL_ERROR, 'SETTINGS_ENABLE_PUSH was neither 0 nor 1.');
const SERVER_PUSH = http2Fault(PROTOCOL_ERROR, 'A server sent SETTINGS_ENABLE_PUSH of 1.');
const BAD_WINDOW = http2Fault(FLOW_CONTROL_ERROR, 'SETTINGS_INITIAL_WINDOW_SIZE was above 2^31-1.');
const BAD_FRAME_SIZE = http2Fault(
  PROTOCOL_ERROR,
  'SETTINGS_MAX_FRAME_SIZE was not within 2^14 and 2^24-1.',
);
const BAD_CONNECT = http2Fault(
  PROTOCOL_ERROR,
  'SETTINGS_ENABLE_CONNECT_PROTOCOL was neither 0 nor 1, or was taken back.',
);

/** Which side of a connection somebody is. */
export type Http2Role = 'client' | 'server';

/** One setting as it is sent. */
export type Setting = readonly [id: number, value: number];

/** What a peer announced so far, as far as it changes what we do; the defaults of the RFC before it did. */
export class PeerSettings {
  headerTableBytes = HEADER_TABLE_BYTES_DEFAULT;
  /**
   * The least value of headerTableBytes in the last `apply`, at most what it is now: our encoder
   * has to go down to it before it may go up again (RFC 7541 section 4.2).
   */
  headerTableBytesLeast = HEADER_TABLE_BYTES_DEFAULT;
  /** Streams that we may have open; 2^32-1 is no limit. */
  concurrentStreamsMax = UNLIMITED;
  /** Window that each of its streams gives us at first; also of open ones, by the difference. */
  initialWindowBytes = WINDOW_BYTES_DEFAULT;
  /** Header lists that it takes, as header-list.ts counts; 2^32-1 is no limit. */
  headerListBytesMax = UNLIMITED;
  /** A server takes extended CONNECT; of a client it means nothing. */
  extendedConnect = false;
  readonly #role: Http2Role;

  /** `role` is the peer's. */
  constructor(role: Http2Role) {
    this.#role = role;
  }

  /**
   * Takes the settings of one frame in their order; unknown ones mean nothing. A connection error
   * when a value is not allowed: those before it are in force.
   */
  apply(payload: Buffer, start: number, end: number): Http2Fault | undefined {
    this.headerTableBytesLeast = this.headerTableBytes;
    for (let at = start; at + SETTING_BYTES <= end; at += SETTING_BYTES) {
      const id = payload.readUInt16BE(at);
      const fault = this.#set(id, uint32(payload, at + 2));
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #set(id: number, value: number): Http2Fault | undefined {
    switch (id) {
      case SETTINGS_HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        this.headerTableBytesLeast = Math.min(this.headerTableBytesLeast, value);
        return undefined;
      case SETTINGS_ENABLE_PUSH:
        if (value > 1) return BAD_PUSH;
        return value === 1 && this.#role === 'server' ? SERVER_PUSH : undefined;
      case SETTINGS_MAX_CONCURRENT_STREAMS:
        this.concurrentStreamsMax = value;
        return undefined;
      case SETTINGS_INITIAL_WINDOW_SIZE:
        if (value > WINDOW_BYTES_MAX) return BAD_WINDOW;
        this.initialWindowBytes = value;
        return undefined;
      case SETTINGS_MAX_FRAME_SIZE:
        // We send frames that everybody takes.
        return value < FRAME_BYTES_DEFAULT || value > FRAME_BYTES_LIMIT
          ? BAD_FRAME_SIZE
          : undefined;
      case SETTINGS_ENABLE_CONNECT_PROTOCOL:
        if (value > 1 || (value === 0 && this.extendedConnect)) return BAD_CONNECT;
        this.extendedConnect = value === 1;
        return undefined;
      case SETTINGS_MAX_HEADER_LIST_SIZE:
        this.headerListBytesMax = value;
        return undefined;
      default:
        return undefined;
    }
  }
}

/**
 * What we announce as `role`: windows and sizes by our limits, no push. Table and frame size are
 * the RFC's defaults, which nobody needs to be told. Only servers have streams opened to them, and
 * take extended CONNECT.
 */
export function ownSettings(role: Http2Role, concurrentStreamsMax: number): readonly Setting[] {
  const ofRole: readonly Setting[] =
    role === 'client'
      ? [[SETTINGS_ENABLE_PUSH, 0]]
      : [
          [SETTINGS_MAX_CONCURRENT_STREAMS, concurrentStreamsMax],
          [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1],
        ];
  return [
    ...ofRole,
    [SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
    [SETTINGS_MAX_HEADER_LIST_SIZE, limits.headBytesMax],
  ];
}
