/** Which addresses are this machine's: of the network namespace that the process is in. */
import { networkInterfaces } from 'node:os';

/** Asking the system takes some 100 us, and new endpoints and ports come in crowds. */
const KEPT_MS = 1_000;

/** The addresses of all interfaces, as they were a second ago at most. */
export class OwnAddresses {
  readonly #nowMs: () => number;
  readonly #ask: () => Iterable<string>;
  #known: ReadonlySet<string> = new Set();
  #askedMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: monotonic. `ask`: the system, but in tests. */
  constructor(
    nowMs: () => number = () => performance.now(),
    ask: () => Iterable<string> = askSystem,
  ) {
    this.#nowMs = nowMs;
    this.#ask = ask;
  }

  /** An interface has `host`, that of loopback included. */
  has(host: string): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - this.#askedMs >= KEPT_MS) {
      this.#known = new Set(this.#ask());
      this.#askedMs = nowMs;
    }
    return this.#known.has(host);
  }
}

function* askSystem(): Generator<string> {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) yield address;
  }
}

/** Of this thread. */
const own = new OwnAddresses();

/** An interface has `host`, that of loopback included. */
export const isInterfaceAddress = (host: string): boolean => own.has(host);

/** Others can reach this machine there: an address of an interface that is not loopback. */
export const isReachableAddress = (host: string): boolean =>
  !isLoopback(host) && isInterfaceAddress(host);

/** Whether who listens on `listen` also has `host`. */
export function covers(listen: string, host: string): boolean {
  if (listen === host) return true;
  if (host === 'localhost' && isLoopback(listen)) return true;
  if (listen !== '0.0.0.0' && listen !== '::') return false;
  return host === 'localhost' || isLoopback(host) || isInterfaceAddress(host);
}

const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.');
