/** What can be asked of a profile: of what, of which thread, for how long. */

/** `cpu`: where time goes. `allocations`: who allocates, also what was garbage at once. */
export type ProfileKind = 'cpu' | 'allocations';

/** The main thread, or a data thread by its number. */
export type ProfiledThread = 'main' | number;

/** One profile of one thread. */
export interface ProfileRequest {
  readonly kind: ProfileKind;
  readonly thread: ProfiledThread;
  readonly ms: number;
}
