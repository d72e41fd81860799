/** Ways from a gRPC client to a server on 127.0.0.1: through one sidecar, and through two. */
import { Sidecar } from './sidecar.ts';

const portOf = (address: string): number => Number(address.split(':').at(-1));

/**
 * Each starts the sidecars of a way to `port`; the first of them is the one to call. Inbound alone is
 * no way of its own: all it does is done on the second.
 */
const WAYS = {
  'one sidecar': async (port: number) => [await Sidecar.outbound([port])],
  'two sidecars': async (port: number) => {
    const inbound = await Sidecar.inbound(port);
    return [await Sidecar.outbound([portOf(inbound.inbound)]), inbound];
  },
} as const satisfies Record<string, (port: number) => Promise<readonly Sidecar[]>>;

/** Sidecars of all ways to one server. */
export class Ways implements AsyncDisposable {
  /** Name of a way and the address to call; "direct" comes first. */
  readonly addresses: readonly (readonly [name: string, address: string])[];
  readonly #sidecars: readonly Sidecar[];

  private constructor(port: number, ways: readonly (readonly [string, readonly Sidecar[]])[]) {
    this.#sidecars = ways.flatMap(([, sidecars]) => sidecars);
    this.addresses = [
      ['direct', `127.0.0.1:${port}`],
      ...ways.map(([name, [first]]) => [name, first?.address ?? ''] as const),
    ];
  }

  static async to(port: number): Promise<Ways> {
    const entries = Object.entries(WAYS).map(
      async ([name, start]) => [name, await start(port)] as const,
    );
    return new Ways(port, await Promise.all(entries));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sidecars.map((sidecar) => sidecar.stop()));
  }
}
