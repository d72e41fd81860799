/** Frames of HTTP/2, read and written. */
import { headerFault } from '../../../proxy/codec/http2/frame-fault.ts';
import { FrameReader } from '../../../proxy/codec/http2/frame-reader.ts';
import type { FrameEvents } from '../../../proxy/codec/http2/frame-reader.ts';
import {
  closeHeaders,
  writeFrameHeader,
  writeReset,
  writeWindowUpdate,
} from '../../../proxy/codec/http2/frame-writer.ts';
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_DATA,
  FRAME_HEADERS,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  uint31,
  uint32,
} from '../../../proxy/codec/http2/frame.ts';
import type { MicroCase } from '../micro-case.ts';

const BLOCK_BYTES = 40;
const BODY_BYTES = 64;
const FRAME_BYTES = 16_384;

/** Counts what it hears. */
class Ear implements FrameEvents {
  heard = 0;
  onFrame(): void {}
  onData(_stream: number, _bytes: Buffer, start: number, end: number): void {
    this.heard += end - start;
  }
  onHeaders(_stream: number, _block: Buffer, start: number, end: number): void {
    this.heard += end - start;
  }
  onWindowUpdate(_stream: number, increment: number): void {
    this.heard += increment;
  }
  onReset(): void {}
  onSettings(): void {}
  onSettingsAck(): void {}
  onPing(): void {}
  onPingAck(): void {}
  onGoaway(): void {}
  onPushPromise(): void {}
  onPriority(): void {}
  onStreamFault(): void {}
  onFault(): void {}
}

/** A reader that has its first SETTINGS, and who hears it. */
function startedReader(): { ear: Ear; reader: FrameReader } {
  const ear = new Ear();
  const reader = new FrameReader(ear);
  const settings = Buffer.alloc(9);
  reader.read(settings, 0, writeFrameHeader(settings, 0, 0, FRAME_SETTINGS, 0, 0));
  return { ear, reader };
}

/** What a small answer is: HEADERS, DATA, and credit. */
function answer(): Buffer {
  const out = Buffer.alloc(256);
  let end = writeFrameHeader(out, 0, BLOCK_BYTES, FRAME_HEADERS, FLAG_END_HEADERS, 1) + BLOCK_BYTES;
  end = writeFrameHeader(out, end, BODY_BYTES, FRAME_DATA, FLAG_END_STREAM, 1) + BODY_BYTES;
  end = writeWindowUpdate(out, end, 0, 1);
  return out.subarray(0, end);
}

/** Reads `bytes` in pieces of `pieceBytes`. */
function reading(bytes: Buffer, pieceBytes: number, expected: number): MicroCase['setup'] {
  return () => {
    const { ear, reader } = startedReader();
    return {
      run: () => {
        ear.heard = 0;
        for (let at = 0; at < bytes.length; at += pieceBytes) {
          reader.read(bytes, at, Math.min(bytes.length, at + pieceBytes));
        }
        return ear.heard;
      },
      expected,
    };
  };
}

export const frames: readonly MicroCase[] = [
  {
    name: 'frame-reader small answer',
    setup: reading(answer(), 256, BLOCK_BYTES + BODY_BYTES + 1),
  },
  {
    name: 'frame-reader small answer in pieces of 32 bytes',
    setup: reading(answer(), 32, BLOCK_BYTES + BODY_BYTES + 1),
  },
  {
    name: 'frame-reader 16 KiB of DATA in two pieces',
    setup: () => {
      const bytes = Buffer.alloc(9 + FRAME_BYTES);
      writeFrameHeader(bytes, 0, FRAME_BYTES, FRAME_DATA, 0, 1);
      return reading(bytes, 9_000, FRAME_BYTES)();
    },
  },
  {
    name: 'frame-writer small answer',
    setup: () => {
      const out = Buffer.alloc(256);
      return {
        run: () => {
          let end = closeHeaders(out, 0, BLOCK_BYTES, 1, false, FRAME_BYTES);
          end = writeFrameHeader(out, end, BODY_BYTES, FRAME_DATA, FLAG_END_STREAM, 1) + BODY_BYTES;
          return writeWindowUpdate(out, end, 0, 1);
        },
        expected: answer().length,
      };
    },
  },
  {
    name: 'frame-writer closeHeaders of three frames',
    setup: () => {
      const out = Buffer.alloc(64 * 1024);
      return {
        run: () => closeHeaders(out, 0, 2 * FRAME_BYTES + 1, 1, true, FRAME_BYTES),
        expected: 2 * FRAME_BYTES + 1 + 27,
      };
    },
  },
  {
    name: 'frame-writer reset, frame its code read back',
    setup: () => {
      const out = Buffer.alloc(13);
      return {
        run: () => {
          const end = writeReset(out, 0, 5, 8);
          return uint31(out, 5) + uint32(out, end - 4);
        },
        expected: 13,
      };
    },
  },
  {
    name: 'frame-fault of a frame that has none',
    setup: () => ({
      run: () => (headerFault(FRAME_WINDOW_UPDATE, 4, 0, 1) === undefined ? 1 : 0),
      expected: 1,
    }),
  },
];
