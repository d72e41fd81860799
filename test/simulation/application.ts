/**
 * The application of a pod: what it accepts speaks HTTP/1.1 or HTTP/2, whichever comes, or else it is
 * an application of TCP.
 */
import type { SocketAddress } from '../../base/settings.ts';
import type { Link, Listener } from '../../proxy/transport/link.ts';
import { PREFACE } from '../support/http2-wire.ts';
import { newLinkCounts } from '../support/memory-world.ts';
import { ApplicationHttp1 } from './application-http1.ts';
import { ApplicationHttp2 } from './application-http2.ts';
import { UNUSED_MS } from './patience.ts';
import { memoryLink, Peer } from './peer.ts';
import type { ServiceKind } from './service-kind.ts';
import { ServerTalk } from './talk.ts';
import type { World } from './world.ts';

const START = PREFACE.subarray(0, 3);

type Connection = ApplicationHttp1 | ApplicationHttp2 | ServerTalk;

/** One process behind an address. */
export class Application {
  readonly name: string;
  readonly #world: World;
  readonly #kind: ServiceKind;
  readonly #address: SocketAddress;
  readonly #blameNow: () => void;
  readonly #connections = new Map<Peer, Connection | undefined>();
  #listener: Listener | undefined = undefined;
  #leaving = false;

  /** `blameNow`: requests that are on their way to it may be lost. */
  constructor(
    world: World,
    kind: ServiceKind,
    name: string,
    address: SocketAddress,
    blameNow: () => void,
  ) {
    this.#world = world;
    this.#kind = kind;
    this.name = name;
    this.#address = address;
    this.#blameNow = blameNow;
  }

  get http2(): readonly ApplicationHttp2[] {
    return [...this.#connections.values()].filter((each) => each instanceof ApplicationHttp2);
  }

  async start(): Promise<void> {
    const { transport } = this.#world;
    this.#listener = await transport.listen(this.#address, newLinkCounts(), this.#accept);
  }

  /** Nobody is accepted any more; what is idle closes, and the rest after its answer. */
  leave(): void {
    this.#leaving = true;
    this.#listener?.close();
    for (const connection of this.#connections.values()) {
      if (connection instanceof ApplicationHttp2) {
        connection.goodbye();
        connection.freed();
      } else if (connection instanceof ApplicationHttp1) connection.closeIfIdle();
    }
  }

  /** The process is no more: its kernel resets, or its machine says nothing any more. */
  kill(silently: boolean): void {
    this.#listener?.close();
    for (const [peer, connection] of this.#connections) {
      if (connection instanceof ServerTalk) connection.gone();
      peer.events = { received() {}, ended() {}, closed() {} };
      if (silently) peer.link.sever();
      peer.reset();
    }
    this.#connections.clear();
  }

  readonly #accept = (link: Link): Peer => {
    const peer = new Peer(this.#world.time.turn);
    peer.link = memoryLink(link);
    this.#connections.set(peer, undefined);
    this.#begin(peer);
    this.#world.time.after(UNUSED_MS, () => {
      if (this.#connections.get(peer)?.used !== true) peer.close();
    });
    return peer;
  };

  #begin(peer: Peer): void {
    const { talks, time } = this.#world;
    if (this.#kind.protocol === 'tcp') {
      const parts = {
        after: (ms: number, happen: () => void) => time.after(ms, happen),
        talks,
        closed: () => void this.#connections.delete(peer),
      };
      const talk = new ServerTalk(parts, peer, this.#kind.serverFirst);
      this.#connections.set(peer, talk);
      return;
    }
    let first: Buffer = Buffer.alloc(0);
    peer.events = {
      received: (bytes) => {
        first = Buffer.concat([first, bytes]);
        if (first.length >= START.length) this.#decide(peer, first);
      },
      ended: () => peer.close(),
      closed: () => void this.#connections.delete(peer),
    };
  }

  #decide(peer: Peer, first: Buffer): void {
    const { ledger, random, sides, time } = this.#world;
    const parts = {
      name: this.name,
      after: (ms: number, happen: () => void) => time.after(ms, happen),
      ledger,
      blameNow: this.#blameNow,
      crowded: () => ledger.crowded(this.#kind.index),
      leaving: () => this.#leaving,
      closed: () => void this.#connections.delete(peer),
    };
    // Not HTTP: a stranger's, carried as it is.
    if (first[0] === 0) return peer.close();
    if (!first.subarray(0, START.length).equals(START)) {
      const connection = new ApplicationHttp1(parts, peer);
      this.#connections.set(peer, connection);
      return connection.received(first);
    }
    if (first.length < PREFACE.length) return;
    const connection = new ApplicationHttp2(parts, peer, {
      sides,
      windowBytes: random.pick([65_535, 20_000, 1_000_000]),
      streamsMax: random.pick([100, 100, 3]),
    });
    this.#connections.set(peer, connection);
    connection.side.received(first.subarray(PREFACE.length));
  }
}
