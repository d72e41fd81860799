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
    this.#addresses = familiesApart(addresses);
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
    this.#addresses = ofEachSide((side) => reserved[side].map(({ address }) => address));
  }

  /** For one thread: its next life listens where this one does, also on a port the system chose. */
  bound(listeners: BoundListeners): void {
    if (SIDES.some((side) => this.#reserved[side].length > 0)) return;
    this.#addresses = familiesApart(listeners);
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

const ofEachSide = (
  addressesOf: (side: keyof BoundListeners) => readonly ListenAddress[],
): ListenAddresses => ({
  inbound: addressesOf('inbound'),
  outbound: addressesOf('outbound'),
  wayOut: addressesOf('wayOut'),
  interceptOutbound: addressesOf('interceptOutbound'),
  interceptInbound: addressesOf('interceptInbound'),
});

/** Who listens on all addresses leaves those of IPv4 to who listens on these, on the same port. */
function familiesApart(addresses: ListenAddresses): ListenAddresses {
  const ipv4 = SIDES.flatMap((side) => addresses[side]).filter(({ host }) => host === '0.0.0.0');
  const shared = new Set(ipv4.map(({ port }) => port));
  return ofEachSide((side) =>
    addresses[side].map((one) =>
      one.host === '::' && one.port > 0 && shared.has(one.port) ? { ...one, ipv6Only: true } : one,
    ),
  );
}
