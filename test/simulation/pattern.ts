/** Bodies that follow from a number: any piece of one can be made, and checked, where it is needed. */

/** A prime, so that bodies whose numbers are near differ at every offset. */
const PERIOD = 65_521;
const STRIDE = 7_919;
/** Longest piece. */
export const PIECE_BYTES_MAX = 65_536;

const BYTES = (() => {
  const bytes = Buffer.alloc(PERIOD + PIECE_BYTES_MAX);
  let state = 0x2545f491;
  for (let i = 0; i < PERIOD; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  for (let i = PERIOD; i < bytes.length; i++) bytes[i] = bytes[i - PERIOD]!;
  return bytes;
})();

/** Bytes [at, at + size) of body `id`; lent, and at most PIECE_BYTES_MAX of them. */
export function pieceOf(id: number, at: number, size: number): Buffer {
  const from = (id * STRIDE + at) % PERIOD;
  return BYTES.subarray(from, from + size);
}

/** Whether `bytes` are what body `id` has at `at`. */
export function isPieceOf(id: number, at: number, bytes: Buffer): boolean {
  for (let done = 0; done < bytes.length; done += PIECE_BYTES_MAX) {
    const part = bytes.subarray(done, done + PIECE_BYTES_MAX);
    if (part.compare(pieceOf(id, at + done, part.length)) !== 0) return false;
  }
  return true;
}
