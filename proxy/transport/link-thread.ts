import type { Slabs } from './slabs.ts';
import type { Turn } from './turn.ts';

/** What the links of a thread share. */
export interface LinkThread {
  readonly turn: Turn;
  readonly slabs: Slabs;
  /** Every read of the thread lands here: links are lent it for the call. */
  readonly readBuffer: Buffer;
}
