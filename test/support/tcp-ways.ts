/** The ways that a TCP connection can take through sidecars to a server on this machine. */
import { Sidecar } from './sidecar.ts';

/** Which sidecars carry it, and whether they are told that it is opaque. */
export interface TcpWay {
  readonly name: string;
  readonly outbound: boolean;
  readonly inbound: boolean;
  readonly declared: boolean;
}

/** One sidecar on either side, and two in a row; each declared, and left to detect. */
export const TCP_WAYS: readonly TcpWay[] = [true, false].flatMap((declared) =>
  [
    { name: 'inbound sidecar', outbound: false, inbound: true },
    { name: 'outbound sidecar', outbound: true, inbound: false },
    { name: 'two sidecars', outbound: true, inbound: true },
  ].map((way) => ({
    ...way,
    declared,
    name: `${way.name}, ${declared ? 'declared opaque' : 'undeclared'}`,
  })),
);

/** Sidecars that stand in a row; `address` is where clients connect. */
export class TcpPath implements AsyncDisposable {
  readonly address: string;
  /** In the order of the bytes of a client. */
  readonly sidecars: readonly Sidecar[];

  private constructor(address: string, sidecars: readonly Sidecar[]) {
    this.address = address;
    this.sidecars = sidecars;
  }

  /** Opens the way to 127.0.0.1:`port`. */
  static async open({ declared, inbound, outbound }: TcpWay, port: number): Promise<TcpPath> {
    const scheme = declared ? 'opaque://' : '';
    const sidecars: Sidecar[] = [];
    let address = `127.0.0.1:${port}`;
    try {
      if (inbound) {
        const listen = ['--inbound', '127.0.0.1:0', '--forward', scheme + address];
        const sidecar = await Sidecar.start(...listen);
        sidecars.unshift(sidecar);
        address = sidecar.inbound;
      }
      if (outbound) {
        const listen = ['--way-out', '127.0.0.1:0=db:1', '--to', `db:1=${scheme}${address}`];
        const sidecar = await Sidecar.start(...listen);
        sidecars.unshift(sidecar);
        address = sidecar.wayOut;
      }
      return new TcpPath(address, sidecars);
    } catch (error) {
      await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.sidecars.map((sidecar) => sidecar.stop()));
  }
}
