/** Where the data threads listen: the same addresses at each start of a thread, and for all. */
import type { BoundListeners, ListenAddress } from '../model/thread.ts';
import { type ReservedAddress, reserveAddress } from '../transport/reserved-address.ts';

/** Addresses by what they are for, in the order of the settings. */
export type ListenAddresses = { readonly [Side in keyof BoundListeners]: readonly ListenAddress[] };

const SIDES = [
  'inbound',
  'outbound',
  'wayOut',
  'interceptOutbound',
  'interceptInbound',
] as const satisfies readonly (keyof BoundListeners)[];
/** Those that close first when the proxy drains. */
const INBOUND_SIDES = ['inbound', 'interceptInbound'] as const;

/** Keeps the addresses of one process. */
export class AddressBook {
  #addresses: ListenAddresses;
  readonly #reserved: Record<keyof BoundListeners, ReservedAddress[]> = {
    inbound: [],
    outbound: [],
    wayOut: [],
    interceptOutbound: [],
    interceptInbound: [],
  };

  constructor(addresses: ListenAddresses) {
    this.#addresses = addresses;
  }

  /** Where a thread that starts now listens. */
  get current(): ListenAddresses {
    return this.#addresses;
  }

  /** For several threads: holds each address here. Rejects when one cannot be had. */
  async reserve(): Promise<void> {
    const reserved = this.#reserved;
    for (const side of SIDES) {
      for (const address of this.#addresses[side]) {
        reserved[side].push(await reserveAddress(address));
      }
    }
    const held = (side: keyof BoundListeners): readonly ListenAddress[] =>
      reserved[side].map(({ address }) => address);
    this.#addresses = {
      inbound: held('inbound'),
      outbound: held('outbound'),
      wayOut: held('wayOut'),
      interceptOutbound: held('interceptOutbound'),
      interceptInbound: held('interceptInbound'),
    };
  }

  /** For one thread: its next life listens where this one does, also on a port the system chose. */
  bound(listeners: BoundListeners): void {
    if (SIDES.some((side) => this.#reserved[side].length > 0)) return;
    this.#addresses = { ...listeners };
  }

  /** No thread listens for inbound connections any more, nor does one that starts again. */
  closeInbound(): void {
    for (const side of INBOUND_SIDES) {
      for (const address of this.#reserved[side].splice(0)) address.close();
    }
    this.#addresses = { ...this.#addresses, inbound: [], interceptInbound: [] };
  }

  close(): void {
    for (const side of SIDES) for (const address of this.#reserved[side].splice(0)) address.close();
  }
}
