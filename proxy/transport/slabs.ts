/**
 * Out-buffers of one thread: slabs of SLAB_BYTES, last in first out, so that a busy thread writes
 * through the same warm memory again and again. What is kept idle is capped; what is out is bounded
 * by what sessions let a link hold (limits.streamWindowBytes).
 */
import { SLAB_BYTES } from '../limits.ts';

const IDLE_SLABS_MAX = 16;

export class Slabs {
  readonly #idle: Buffer[] = [];
  #out = 0;

  /** Slabs that links hold now. */
  get out(): number {
    return this.#out;
  }

  // HOT: per frame.
  take(): Buffer {
    this.#out++;
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
  }

  give(slab: Buffer): void {
    this.#out--;
    if (this.#idle.length < IDLE_SLABS_MAX) this.#idle.push(slab);
  }
}
