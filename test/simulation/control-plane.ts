/**
 * Discovery as the proxies see it: answers and updates that come late, out of order, or not at all,
 * and are right in the end.
 */
import type { Target } from '../../proxy/model/destination.ts';
import { MeshError } from '../../proxy/model/mesh-error.ts';
import { ALL } from './blame.ts';
import { type ServiceKind, SERVICE_PORT } from './service-kind.ts';
import { Service } from './service.ts';
import type { Discovery, SimulatedProxy } from './simulated-proxy.ts';
import type { World } from './world.ts';

const DELAY_MS_MAX = 300;
/** What was lost or overtaken is sent again. */
const REPAIR_MS = 20_000;
/** A name that no service has, and DNS has for some time. */
const DNS_KEEP_MS = 5_000;

interface Subscriber {
  readonly proxy: () => SimulatedProxy | undefined;
  /** Version that was applied last, by key. */
  readonly applied: Map<string, number>;
}

/** One control plane for all. */
export class ControlPlane {
  readonly services: Service[];
  /** Share of updates that are lost. */
  lossy = 0;
  #outageUntilMs = 0;
  #version = 0;
  readonly #world: World;
  readonly #subscribers = new Set<Subscriber>();

  constructor(world: World, kinds: readonly ServiceKind[]) {
    this.#world = world;
    this.services = kinds.map((kind) => new Service(world, kind, (service) => this.#tell(service)));
  }

  /** What an outbound stack asks; `proxy` gives the one that lives. */
  seam(proxy: () => SimulatedProxy | undefined): Discovery {
    const subscriber: Subscriber = { proxy, applied: new Map() };
    this.#subscribers.add(subscriber);
    return {
      subscribe: (key, target) => {
        subscriber.applied.set(key, 0);
        this.#send(subscriber, key, this.#serviceOf(target), false);
      },
      unsubscribe: (key) => void subscriber.applied.delete(key),
      fallback: (target, tell) => {
        const { random, time } = this.#world;
        const sentence = `No host is named ${target.authority}.`;
        const found = new MeshError('no-such-service', 'proxy', sentence);
        time.after(random.integer(1, DELAY_MS_MAX), () => {
          if (proxy()?.dead !== true) time.turn.run(() => tell({ found, keepMs: DNS_KEEP_MS }));
        });
      },
    };
  }

  /** Its proxy is no more. */
  forget(proxy: SimulatedProxy): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.proxy() === proxy) this.#subscribers.delete(subscriber);
    }
  }

  /** Says nothing for `ms`. */
  fail(ms: number): void {
    const { blame, time } = this.#world;
    this.#outageUntilMs = time.nowMs + ms;
    blame.add(ALL, time.nowMs, this.#outageUntilMs + REPAIR_MS, true);
  }

  #serviceOf({ authority, port }: Target): Service | undefined {
    if (port !== SERVICE_PORT) return undefined;
    return this.services.find((service) => service.authority === authority);
  }

  #tell(service: Service): void {
    const key = `${service.authority}:${SERVICE_PORT}`;
    for (const subscriber of this.#subscribers) {
      if (subscriber.applied.has(key)) this.#send(subscriber, key, service, true);
    }
  }

  #send(
    subscriber: Subscriber,
    key: string,
    service: Service | undefined,
    mayBeLost: boolean,
  ): void {
    const { random, time, trace } = this.#world;
    const version = ++this.#version;
    const resource = service?.resource();
    const waitMs = Math.max(0, this.#outageUntilMs - time.nowMs);
    const repair = (): void => {
      service?.blame(REPAIR_MS + DELAY_MS_MAX, false);
      time.after(REPAIR_MS, () => this.#send(subscriber, key, service, false));
    };
    if (mayBeLost && random.chance(this.lossy)) {
      trace.add(`an update of ${key} is lost`);
      return repair();
    }
    time.after(waitMs + random.integer(1, DELAY_MS_MAX), () => {
      const proxy = subscriber.proxy();
      const destinations = proxy?.outbound?.destinations;
      if (proxy?.dead === true || destinations?.knows(key) !== true) return;
      const before = subscriber.applied.get(key) ?? 0;
      if (version < before) repair();
      subscriber.applied.set(key, version);
      time.turn.run(() => {
        if (resource !== undefined) destinations.apply(key, resource);
        else destinations.applyNoSuchService(key, `No service is named ${key}.`);
      });
    });
  }
}
