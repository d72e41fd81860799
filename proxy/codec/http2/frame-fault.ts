/** What can be wrong with a frame by itself, whatever the state of its stream (RFC 9113 4, 6). */
import { ENHANCE_YOUR_CALM, FRAME_SIZE_ERROR, http2Fault, PROTOCOL_ERROR } from './error-code.ts';
import type { Http2Fault } from './error-code.ts';
import {
  FLAG_ACK,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_BYTES_DEFAULT,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_PUSH_PROMISE,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  PING_BYTES,
} from './frame.ts';

const protocol = (sentence: string): Http2Fault => http2Fault(PROTOCOL_ERROR, sentence);
const size = (sentence: string): Http2Fault => http2Fault(FRAME_SIZE_ERROR, sentence);

/** Faults of one frame type each are said with its name. */
const onStreamZero = (type: string): Http2Fault => protocol(`${type} came on stream 0.`);
const onStream = (type: string): Http2Fault => protocol(`${type} came on a stream.`);
const wrongLength = (type: string): Http2Fault => size(`${type} came with a wrong length.`);

/** RFC 9113 3.4. */
export const NOT_SETTINGS_FIRST = protocol('The first frame was not SETTINGS.');
/** RFC 9113 4.2: of DATA a stream error would do, but a peer that ignores our size is broken. */
const TOO_LONG = size(`A frame was longer than ${FRAME_BYTES_DEFAULT} octets.`);
/** RFC 9113 6.1, 6.2. */
export const PADDING_TOO_LONG = protocol('Padding was longer than its frame.');
/** RFC 9113 6.2, 6.10. */
export const BLOCK_INTERRUPTED = protocol('A field block was interrupted by another frame.');
/** RFC 9113 6.10. */
export const NO_BLOCK_OPEN = protocol('CONTINUATION came without a field block before it.');
/** RFC 7540 5.3.1; RFC 9113 has no use for dependencies, and no leave for these. */
export const DEPENDS_ON_ITSELF = protocol('A stream depended on itself.');
/** RFC 9113 6.3. */
export const PRIORITY_LENGTH = wrongLength('PRIORITY');
/** RFC 9113 6.9: of a stream, and of the connection. */
export const EMPTY_STREAM_UPDATE = protocol('WINDOW_UPDATE of a stream had an increment of 0.');
export const EMPTY_UPDATE = protocol('WINDOW_UPDATE of the connection had an increment of 0.');
/** Abuse (RFC 9113 10.5.1): what would be decoded only to be refused. */
export const BLOCK_TOO_LONG = http2Fault(
  ENHANCE_YOUR_CALM,
  'A field block had too many octets.',
  'head-size',
);
/** Abuse (RFC 9113 10.5): frames that cost their sender next to nothing. */
export const TOO_MANY_CONTINUATIONS = http2Fault(
  ENHANCE_YOUR_CALM,
  'A field block came in too many or in empty CONTINUATION frames.',
  'continuation',
);

const DATA_ON_ZERO = onStreamZero('DATA');
const HEADERS_ON_ZERO = onStreamZero('HEADERS');
const PRIORITY_ON_ZERO = onStreamZero('PRIORITY');
const RST_STREAM_ON_ZERO = onStreamZero('RST_STREAM');
const PUSH_PROMISE_ON_ZERO = onStreamZero('PUSH_PROMISE');
const SETTINGS_ON_STREAM = onStream('SETTINGS');
const PING_ON_STREAM = onStream('PING');
const GOAWAY_ON_STREAM = onStream('GOAWAY');
const DATA_LENGTH = wrongLength('DATA');
const HEADERS_LENGTH = wrongLength('HEADERS');
const RST_STREAM_LENGTH = wrongLength('RST_STREAM');
const SETTINGS_LENGTH = wrongLength('SETTINGS');
const SETTINGS_ACK_LENGTH = size('An acknowledgement of SETTINGS was not empty.');
const PING_LENGTH = wrongLength('PING');
const GOAWAY_LENGTH = wrongLength('GOAWAY');
const WINDOW_UPDATE_LENGTH = wrongLength('WINDOW_UPDATE');

/** Octets of the stream dependency and weight in HEADERS and PRIORITY. */
export const PRIORITY_BYTES = 5;
const SETTING_BYTES = 6;
const GOAWAY_BYTES_MIN = 8;
const CODE_BYTES = 4;

/**
 * HOT: per frame. The connection error that the header of a frame is; undefined when it is none.
 * A frame too short for what its flags promise is FRAME_SIZE_ERROR (RFC 9113 4.2).
 */
export function headerFault(
  type: number,
  length: number,
  flags: number,
  stream: number,
): Http2Fault | undefined {
  if (length > FRAME_BYTES_DEFAULT) return TOO_LONG;
  switch (type) {
    case FRAME_DATA:
      if (stream === 0) return DATA_ON_ZERO;
      return length === 0 && (flags & FLAG_PADDED) !== 0 ? DATA_LENGTH : undefined;
    case FRAME_HEADERS:
      if (stream === 0) return HEADERS_ON_ZERO;
      return length < headersBytesMin(flags) ? HEADERS_LENGTH : undefined;
    case FRAME_WINDOW_UPDATE:
      return length === CODE_BYTES ? undefined : WINDOW_UPDATE_LENGTH;
    case FRAME_RST_STREAM:
      if (stream === 0) return RST_STREAM_ON_ZERO;
      return length === CODE_BYTES ? undefined : RST_STREAM_LENGTH;
    case FRAME_SETTINGS:
      return settingsFault(length, flags, stream);
    case FRAME_PING:
      if (stream !== 0) return PING_ON_STREAM;
      return length === PING_BYTES ? undefined : PING_LENGTH;
    case FRAME_GOAWAY:
      if (stream !== 0) return GOAWAY_ON_STREAM;
      return length < GOAWAY_BYTES_MIN ? GOAWAY_LENGTH : undefined;
    case FRAME_PRIORITY:
      return stream === 0 ? PRIORITY_ON_ZERO : undefined;
    case FRAME_PUSH_PROMISE:
      return stream === 0 ? PUSH_PROMISE_ON_ZERO : undefined;
    default: // CONTINUATION: it has to be of the stream whose block is open.
      return undefined;
  }
}

function headersBytesMin(flags: number): number {
  return (
    ((flags & FLAG_PADDED) === 0 ? 0 : 1) + ((flags & FLAG_PRIORITY) === 0 ? 0 : PRIORITY_BYTES)
  );
}

function settingsFault(length: number, flags: number, stream: number): Http2Fault | undefined {
  if (stream !== 0) return SETTINGS_ON_STREAM;
  if ((flags & FLAG_ACK) !== 0) return length === 0 ? undefined : SETTINGS_ACK_LENGTH;
  return length % SETTING_BYTES === 0 ? undefined : SETTINGS_LENGTH;
}
