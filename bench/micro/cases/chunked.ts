/** The framing of chunks, read and written. */
import { writeChunkHead } from '../../../proxy/codec/http1/chunk-writer.ts';
import { ChunkedDecoder } from '../../../proxy/codec/http1/chunked.ts';
import type { MicroCase } from '../micro-case.ts';

const CHUNK_BYTES = 0x400;
const CHUNK = Buffer.from(`400\r\n${'x'.repeat(CHUNK_BYTES)}\r\n`, 'latin1');

export const chunked: readonly MicroCase[] = [
  {
    name: 'chunked read',
    setup: () => {
      const decoder = new ChunkedDecoder(1024);
      return {
        run: () => {
          decoder.start();
          const data = decoder.framing(CHUNK, 0, CHUNK.length);
          decoder.took(CHUNK_BYTES);
          return decoder.framing(CHUNK, data + CHUNK_BYTES, CHUNK.length);
        },
        expected: CHUNK.length,
      };
    },
  },
  {
    name: 'chunk-writer',
    setup: () => {
      const out = Buffer.alloc(16);
      return { run: () => writeChunkHead(out, 0, CHUNK_BYTES), expected: 5 };
    },
  },
];
