/** Random numbers that a printed seed brings back. */

/** mulberry32: enough for tests, and the same on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.integer(0, choices.length - 1)]!;
  }

  /** `size` bytes. */
  bytes(size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size);
    for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(this.unit() * 2 ** 32, at);
    for (let at = size - (size % 4); at < size; at++) bytes[at] = this.integer(0, 255);
    return bytes;
  }
}

/** `CULVERT_TEST_SEED`, or one from the clock; say it where the test fails or starts. */
export function seedOfRun(): number {
  const given = process.env['CULVERT_TEST_SEED'];
  return given === undefined ? Date.now() % 2 ** 31 : Number(given);
}
