/** What a peer said before it went, when a write was the first to notice that it has gone. */
import { readSync } from 'node:fs';
import { limits } from '../limits.ts';

/** Kernels keep a few MiB for a reader; the rest of an answer that long is not worth the memory. */
const CHUNKS_MAX = 64;

/**
 * All that the kernel has received on the non-blocking socket `descriptor` and nobody has read: it
 * is readable also after RST came (Linux). In order; empty when there is nothing.
 */
export function readLastWords(descriptor: number): readonly Buffer[] {
  const chunks: Buffer[] = [];
  while (chunks.length < CHUNKS_MAX) {
    const chunk = Buffer.allocUnsafe(limits.readBytes);
    const length = readSome(descriptor, chunk);
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
  }
  return chunks;
}

/** 0 at the end, and where nothing can be read. */
function readSome(descriptor: number, into: Buffer): number {
  try {
    return readSync(descriptor, into);
  } catch {
    return 0;
  }
}
