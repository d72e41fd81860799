/** A service and its pods: each an application behind a sidecar of its own, or without one. */
import type { SocketAddress } from '../../base/settings.ts';
import type { DestinationResource } from '../../proxy/model/destination.ts';
import { NO_OWNER } from '../../proxy/model/endpoint.ts';
import { Application } from './application.ts';
import { ofService } from './blame.ts';
import { Violation } from './ledger.ts';
import { type ServiceKind, SERVICE_PORT } from './service-kind.ts';
import { SimulatedProxy } from './simulated-proxy.ts';
import type { World } from './world.ts';

/** A sidecar that dies alone is back by then. */
const SIDECAR_BACK_MS = 250;
const DRAIN_POLL_MS = 500;
const DRAIN_DEADLINE_MS = 25_000;
/** A sidecar that has drained keeps nothing for longer: its series are the last to go. */
const AFTERLIFE_MS = 15 * 60_000;

/** One pod. */
export class ServerPod {
  readonly name: string;
  readonly host: string;
  readonly service: Service;
  readonly application: Application;
  proxy: SimulatedProxy | undefined = undefined;
  ready = false;
  terminating = false;
  dead = false;
  readonly #world: World;

  constructor(world: World, service: Service, name: string, host: string) {
    this.#world = world;
    this.service = service;
    this.name = name;
    this.host = host;
    this.application = new Application(world, service.kind, name, this.#applicationAddress, () =>
      service.blame(0, false),
    );
  }

  get address(): SocketAddress {
    return { host: this.host, port: SERVICE_PORT };
  }

  get #applicationAddress(): SocketAddress {
    const { meshed } = this.service.kind;
    return { host: meshed ? `app.${this.host}` : this.host, port: SERVICE_PORT };
  }

  async start(): Promise<void> {
    await this.application.start();
    await this.startProxy();
    this.ready = true;
  }

  async startProxy(): Promise<void> {
    const { meshed, protocol } = this.service.kind;
    if (!meshed || this.dead) return;
    const proxy = new SimulatedProxy(this.#world, `sidecar of ${this.name}`);
    this.proxy = proxy;
    this.#world.proxies.add(proxy);
    await proxy.listenInbound(this.address, {
      ...this.#applicationAddress,
      protocol: protocol === 'tcp' ? undefined : protocol,
    });
  }

  /** The sidecar dies alone, and comes back. */
  killProxy(): void {
    const { proxy } = this;
    if (proxy === undefined || proxy.dead) return;
    this.#world.proxies.delete(proxy);
    proxy.kill(false);
    this.#world.time.after(SIDECAR_BACK_MS, () => this.startProxy());
  }

  /** The whole pod: its kernel resets what is open, or its machine says nothing any more. */
  kill(silently: boolean): void {
    this.dead = true;
    this.ready = false;
    if (this.proxy !== undefined) this.#world.proxies.delete(this.proxy);
    this.proxy?.kill(silently);
    this.application.kill(silently);
  }

  /** Its end in order: the sidecar drains, then the application goes. */
  leave(): void {
    const { time, trace } = this.#world;
    const endMs = time.nowMs + DRAIN_DEADLINE_MS;
    const { proxy } = this;
    if (proxy === undefined || proxy.dead) {
      // It closes what idles, which a request may be on its way to.
      this.service.blame(0, false);
      this.dead = true;
      return this.application.leave();
    }
    proxy.drain();
    const poll = (): void => {
      if (this.dead || proxy.dead) return;
      if (!proxy.drained && time.nowMs < endMs) return time.after(DRAIN_POLL_MS, poll);
      trace.add(`${this.name} has drained: ${proxy.drained}`);
      if (proxy.drained) return this.#retire(proxy);
      this.service.blame(1, false);
      proxy.abort();
      time.after(0, () => {
        if (!this.dead) this.kill(false);
      });
    };
    time.after(DRAIN_POLL_MS, poll);
  }

  /** It served everybody: what is left of it must go by itself. */
  #retire(proxy: SimulatedProxy): void {
    this.dead = true;
    this.application.leave();
    this.#world.time.after(AFTERLIFE_MS, () => {
      const left = proxy.leftovers();
      if (left.length > 0) throw new Violation(`behind a drain: ${left.join(', ')}`);
      this.#world.proxies.delete(proxy);
      proxy.kill(false);
    });
  }
}

/** A service: what discovery says of it follows from its pods. */
export class Service {
  readonly kind: ServiceKind;
  readonly authority: string;
  pods: ServerPod[] = [];
  readonly #world: World;
  readonly #changed: (service: Service) => void;
  #incarnations = 0;

  constructor(world: World, kind: ServiceKind, changed: (service: Service) => void) {
    this.#world = world;
    this.kind = kind;
    this.authority = `service-${kind.index}`;
    this.#changed = changed;
  }

  /** Its requests that are under way now, or within `ms`, may fail. */
  blame(ms: number, waits: boolean): void {
    const { blame, time } = this.#world;
    blame.add(ofService(this.kind.index), time.nowMs, time.nowMs + ms, waits);
  }

  changed(): void {
    this.pods = this.pods.filter(({ dead }) => !dead);
    this.#changed(this);
  }

  /** A new pod, at a new address unless one is told. */
  async addPod(host?: string): Promise<ServerPod> {
    const number = this.#incarnations++;
    const at = host ?? `10.${this.kind.index}.${Math.floor(number / 250)}.${number % 250}`;
    const pod = new ServerPod(this.#world, this, `${this.authority}-pod-${number}`, at);
    await pod.start();
    this.pods.push(pod);
    this.#world.trace.add(`${pod.name} is up at ${at}`);
    return pod;
  }

  /** As discovery tells it now. */
  resource(): DestinationResource {
    const { authority, kind } = this;
    return {
      authority: `${authority}:${SERVICE_PORT}`,
      service: authority,
      namespace: 'simulated',
      port: SERVICE_PORT,
      endpoints: this.pods.map(({ name, host, ready, terminating }) => ({
        id: name,
        host,
        port: SERVICE_PORT,
        weight: 1,
        zone: '',
        ready,
        terminating,
        meshed: kind.meshed,
        protocol: kind.hint,
        owner: NO_OWNER,
      })),
      routes: [],
      http1Transport: kind.http1Transport,
    };
  }
}
