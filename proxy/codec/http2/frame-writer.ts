/**
 * Writes frames of HTTP/2 (RFC 9113 section 6) into `out` at `at`; each returns where it stopped.
 * The caller has the room: FRAME_HEADER_BYTES and the payload.
 */
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_CONTINUATION,
  FRAME_GOAWAY,
  FRAME_HEADER_BYTES,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  PING_BYTES,
} from './frame.ts';
import { SETTING_BYTES } from './settings.ts';
import type { Setting } from './settings.ts';

/** Octets of GOAWAY before its debug text, and most octets of that. */
const GOAWAY_BYTES = 8;
const DEBUG_BYTES_MAX = 256;

/** HOT: per frame. The 9 octets before a payload of `length` octets. */
export function writeFrameHeader(
  out: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): number {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  return writeUint32(out, at + 5, stream);
}

/** HOT: per frame. */
function writeUint32(out: Buffer, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
  return at + 4;
}

/** SETTINGS, in the given order. */
export function writeSettings(out: Buffer, at: number, settings: readonly Setting[]): number {
  const length = settings.length * SETTING_BYTES;
  let end = writeFrameHeader(out, at, length, FRAME_SETTINGS, 0, 0);
  for (const [id, value] of settings) {
    end = out.writeUInt16BE(id, end);
    end = writeUint32(out, end, value);
  }
  return end;
}

/** Acknowledgement of the peer's SETTINGS. */
export function writeSettingsAck(out: Buffer, at: number): number {
  return writeFrameHeader(out, at, 0, FRAME_SETTINGS, FLAG_ACK, 0);
}

/** PING with the 8 octets at `start` of `payload`. */
export function writePing(out: Buffer, at: number, payload: Buffer, start: number): number {
  return writePingFrame(out, at, payload, start, 0);
}

/** Answer to a PING, with its 8 octets at `start` of `payload`. */
export function writePingAck(out: Buffer, at: number, payload: Buffer, start: number): number {
  return writePingFrame(out, at, payload, start, FLAG_ACK);
}

function writePingFrame(
  out: Buffer,
  at: number,
  payload: Buffer,
  start: number,
  flags: number,
): number {
  const end = writeFrameHeader(out, at, PING_BYTES, FRAME_PING, flags, 0);
  payload.copy(out, end, start, start + PING_BYTES);
  return end + PING_BYTES;
}

/** GOAWAY; of `debug`, ASCII, the first 256 characters: at most 273 octets. */
export function writeGoaway(
  out: Buffer,
  at: number,
  lastStream: number,
  code: number,
  debug = '',
): number {
  const text = debug.slice(0, DEBUG_BYTES_MAX);
  let end = writeFrameHeader(out, at, GOAWAY_BYTES + text.length, FRAME_GOAWAY, 0, 0);
  end = writeUint32(out, end, lastStream);
  end = writeUint32(out, end, code);
  return end + out.write(text, end, 'latin1');
}

/** HOT: per frame. RST_STREAM. */
export function writeReset(out: Buffer, at: number, stream: number, code: number): number {
  const end = writeFrameHeader(out, at, 4, FRAME_RST_STREAM, 0, stream);
  return writeUint32(out, end, code);
}

/** HOT: per frame. WINDOW_UPDATE; stream 0 is the connection, `increment` is 1 to 2^31-1. */
export function writeWindowUpdate(
  out: Buffer,
  at: number,
  stream: number,
  increment: number,
): number {
  const end = writeFrameHeader(out, at, 4, FRAME_WINDOW_UPDATE, 0, stream);
  return writeUint32(out, end, increment);
}

/** Octets that closeHeaders takes for a block of `blockLength`. */
export function headersBytes(blockLength: number, frameBytesMax: number): number {
  const frames = Math.max(1, Math.ceil(blockLength / frameBytesMax));
  return blockLength + frames * FRAME_HEADER_BYTES;
}

/**
 * HOT: per exchange. Frames a field block that was written at `at` + FRAME_HEADER_BYTES: HEADERS,
 * and CONTINUATION where it is longer than `frameBytesMax`. Takes headersBytes(…) octets.
 */
export function closeHeaders(
  out: Buffer,
  at: number,
  blockLength: number,
  stream: number,
  endStream: boolean,
  frameBytesMax: number,
): number {
  const flags = endStream ? FLAG_END_STREAM : 0;
  if (blockLength <= frameBytesMax) {
    writeFrameHeader(out, at, blockLength, FRAME_HEADERS, flags | FLAG_END_HEADERS, stream);
    return at + FRAME_HEADER_BYTES + blockLength;
  }
  // From the last part to the second, each moves up by the headers that come before it.
  const block = at + FRAME_HEADER_BYTES;
  const last = Math.ceil(blockLength / frameBytesMax) - 1;
  for (let i = last; i > 0; i--) {
    const from = i * frameBytesMax;
    const length = Math.min(frameBytesMax, blockLength - from);
    const to = block + from + i * FRAME_HEADER_BYTES;
    out.copyWithin(to, block + from, block + from + length);
    const ends = i === last ? FLAG_END_HEADERS : 0;
    writeFrameHeader(out, to - FRAME_HEADER_BYTES, length, FRAME_CONTINUATION, ends, stream);
  }
  writeFrameHeader(out, at, frameBytesMax, FRAME_HEADERS, flags, stream);
  return at + headersBytes(blockLength, frameBytesMax);
}
