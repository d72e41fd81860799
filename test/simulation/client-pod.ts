/** A pod that asks: its application's connections to its own sidecar, and the sidecar. */
import type { SocketAddress } from '../../base/settings.ts';
import { newLinkCounts } from '../support/memory-world.ts';
import { ofClient } from './blame.ts';
import { ClientHttp1 } from './client-http1.ts';
import { ClientHttp2 } from './client-http2.ts';
import type { ControlPlane } from './control-plane.ts';
import { type Ask, Violation } from './ledger.ts';
import { Patience, strangerMsMax } from './patience.ts';
import { memoryLink, Peer } from './peer.ts';
import { SERVICE_PORT } from './service-kind.ts';
import type { Service } from './service.ts';
import { SimulatedProxy } from './simulated-proxy.ts';
import { ClientTalk, type Talk } from './talk.ts';
import type { World } from './world.ts';

const EXPLICIT_PORT = 4140;
const WAY_PORTS = 9_000;
const SIDECAR_BACK_MS = 250;
const IDLE_MS_MAX = 14 * 60_000;
const MINUTE_MS = 60_000;

type Connection = ClientHttp1 | ClientHttp2;

/** What clients of no use send, if anything. */
const STRANGE = [
  '',
  'GET / HT',
  'PRI * HTTP/2.0\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0',
  '\0strange\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: service-0:8080\r\nContent-Length: 10\r\n\r\nabc',
] as const;

/** One pod. */
export class ClientPod {
  readonly index: number;
  proxy: SimulatedProxy | undefined = undefined;
  readonly #world: World;
  readonly #plane: ControlPlane;
  readonly #host: string;
  /** Connections that may be used, by where they lead. */
  readonly #kept = new Map<string, Connection[]>();

  constructor(world: World, plane: ControlPlane, index: number) {
    this.#world = world;
    this.#plane = plane;
    this.index = index;
    this.#host = `10.200.0.${index}`;
  }

  async start(): Promise<void> {
    const seam = this.#plane.seam(() => proxy);
    const proxy: SimulatedProxy = new SimulatedProxy(
      this.#world,
      `sidecar of client ${this.index}`,
      seam,
    );
    this.proxy = proxy;
    this.#world.proxies.add(proxy);
    await proxy.listenOutbound({ host: this.#host, port: EXPLICIT_PORT }, undefined);
    for (const { authority, kind } of this.#plane.services) {
      const target = { originalDst: undefined, authority, port: SERVICE_PORT };
      await proxy.listenOutbound({ host: this.#host, port: WAY_PORTS + kind.index }, target);
    }
  }

  /** The sidecar dies, and comes back. */
  killProxy(): void {
    const { proxy } = this;
    if (proxy === undefined) return;
    const { blame, proxies, time } = this.#world;
    blame.add(ofClient(this.index), time.nowMs, time.nowMs + SIDECAR_BACK_MS, false);
    this.proxy = undefined;
    this.#plane.forget(proxy);
    proxies.delete(proxy);
    proxy.kill(false);
    time.after(SIDECAR_BACK_MS, () => this.start());
  }

  ask(ask: Ask, service: Service): void {
    const { plan } = ask;
    // By its listener, or by its name.
    const way = ask.id % 3 === 0;
    const port = way ? WAY_PORTS + service.kind.index : EXPLICIT_PORT;
    const key = `${plan.protocol} ${port}`;
    const authority = `${service.authority}:${SERVICE_PORT}`;
    this.#world.trace.add(
      `ask ${ask.id} of client ${this.index} to ${authority} by ${key}: ${plan.method} ` +
        `${plan.requestBytes} ${plan.responseBytes} ${plan.mishap}`,
    );
    const kept = this.#kept.get(key) ?? [];
    this.#kept.set(key, kept);
    for (let known = kept.pop(); known !== undefined; known = kept.pop()) {
      if (!known.usable) continue;
      if (known instanceof ClientHttp2) kept.push(known);
      return known.ask(ask, authority);
    }
    this.#connect({ host: this.#host, port }, key, service, ask).ask(ask, authority);
  }

  #connect(address: SocketAddress, key: string, service: Service, ask: Ask): Connection {
    const { random, sides, time } = this.#world;
    const kept = this.#kept.get(key) ?? [];
    const peer = this.#dial(address);
    const parts = {
      after: (ms: number, happen: () => void) => time.after(ms, happen),
      again: (again: Ask) => time.after(0, () => this.ask(again, service)),
      freed: () => {
        if (connection instanceof ClientHttp1) kept.push(connection);
        // Some leave it to the proxy to close what idles.
        if (random.chance(0.5)) {
          time.after(random.integer(0, IDLE_MS_MAX), () => connection.closeIfIdle());
        }
      },
      closed: () => {
        const at = kept.indexOf(connection);
        if (at !== -1) kept.splice(at, 1);
      },
    };
    const connection: Connection =
      ask.plan.protocol === 'http1'
        ? new ClientHttp1(parts, peer)
        : new ClientHttp2(parts, peer, {
            sides,
            windowBytes: random.pick([65_535, 20_000, 1_000_000]),
          });
    if (connection instanceof ClientHttp2) kept.push(connection);
    return connection;
  }

  #dial({ host, port }: SocketAddress): Peer {
    const { time, transport } = this.#world;
    const peer = new Peer(time.turn);
    const options = { host, port, from: undefined, counts: newLinkCounts() };
    peer.link = memoryLink(transport.dial(options, peer));
    return peer;
  }

  /** A conversation of TCP, by the service's listener. */
  talk(talk: Talk): void {
    const { time, trace } = this.#world;
    trace.add(`talk ${talk.id} of client ${this.index} to service-${talk.service}`);
    const peer = this.#dial({ host: this.#host, port: WAY_PORTS + talk.service });
    void new ClientTalk((ms, happen) => time.after(ms, happen), talk, peer);
  }

  /** Somebody connects who never asks anything that can be answered. */
  stranger(): void {
    const { random, time, trace } = this.#world;
    const ways = this.#plane.services.map(({ kind }) => WAY_PORTS + kind.index);
    const port = random.pick([EXPLICIT_PORT, ...ways]);
    const text = random.pick(STRANGE);
    trace.add(`a stranger comes to client ${this.index} at ${port}: ${JSON.stringify(text)}`);
    const peer = this.#dial({ host: this.#host, port });
    peer.send(Buffer.from(text, 'latin1'));
    peer.events = { received() {}, ended: () => peer.close(), closed() {} };
    if (random.chance(0.2)) time.after(random.integer(0, 3_000), () => peer.reset());
    if (random.chance(0.2)) time.after(random.integer(0, 3_000), () => peer.end());
    const patience = new Patience(time.nowMs);
    patience.at(peer.link, time.nowMs);
    const look = (): void => {
      if (peer.isClosed) return;
      if (patience.waitedMs(time.nowMs) > strangerMsMax()) {
        throw new Violation(`a stranger who sent ${JSON.stringify(text)} stays`);
      }
      time.after(MINUTE_MS, look);
    };
    look();
  }
}
