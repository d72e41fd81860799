/**
 * Out-buffers of one thread: last in first out, so that a busy thread writes through the same warm
 * memory again and again. What is kept idle is capped; what is out is bounded by what sessions let a
 * link hold (limits.streamWindowBytes).
 *
 * One read off an HTTP/2 connection may answer many links, and each of them holds a slab until the
 * turn ends. So there are small ones, enough for most answers, and many of these are kept: to
 * allocate large ones for each such turn would cost more in garbage collections than all the rest.
 */
import { SLAB_BYTES } from '../limits.ts';

/** A head with what a hop may add to it, and a short body. */
export const SMALL_SLAB_BYTES: number = 4 * 1024;
const IDLE_SLABS_MAX = 16;
/** 1 MiB of them. */
const IDLE_SMALL_SLABS_MAX = 256;

/** The slabs of one thread that nobody holds, and how many are held. */
export class Slabs {
  readonly #idle: Buffer[] = [];
  readonly #idleSmall: Buffer[] = [];
  #out = 0;

  /** Slabs that links hold now. */
  get out(): number {
    return this.#out;
  }

  // HOT: per frame. One of SLAB_BYTES, or a small one where that has `bytes`.
  take(bytes: number): Buffer {
    this.#out++;
    if (bytes > SMALL_SLAB_BYTES) return this.#idle.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
    return this.#idleSmall.pop() ?? Buffer.allocUnsafeSlow(SMALL_SLAB_BYTES);
  }

  /** A slab of SLAB_BYTES instead of a small one, whose first `length` bytes it has. */
  grow(small: Buffer, length: number): Buffer {
    const slab = this.take(SLAB_BYTES);
    small.copy(slab, 0, 0, length);
    this.give(small);
    return slab;
  }

  give(slab: Buffer): void {
    this.#out--;
    if (slab.length === SLAB_BYTES) {
      if (this.#idle.length < IDLE_SLABS_MAX) this.#idle.push(slab);
    } else if (this.#idleSmall.length < IDLE_SMALL_SLABS_MAX) this.#idleSmall.push(slab);
  }
}
