/** What goes wrong in a simulation, one thing at a time, and whom it may hurt. */
import type { ClientPod } from './client-pod.ts';
import type { ControlPlane } from './control-plane.ts';
import type { MemoryLink } from '../../proxy/transport/memory-link.ts';
import { ofClient } from './blame.ts';
import type { Service, ServerPod } from './service.ts';
import type { World } from './world.ts';

/** TCP gives up what nobody acknowledges. */
const TCP_GIVES_UP_MS = 16 * 60_000;
/** From when a link is cut for good until the last of its timers has found out. */
const CUT_HURTS_MS = 17 * 60_000;
/** How long the kubelet takes to see that a pod is gone. */
const NOTICED_MS_MAX = 10_000;
const BACK_MS_MAX = 60_000;
/** From a change of discovery until every proxy has it. */
const TOLD_MS = 2_000;
/** Faults in the middle of traffic come a few steps into it. */
const STEPS_MAX = 60;

interface Victim {
  readonly link: MemoryLink;
  readonly where: string;
  readonly blame: (ms: number, waits: boolean) => void;
}

/** Requests that some faults are there for. */
export interface FaultTraffic {
  /** They take as long as a drain may. */
  slow(service: Service): void;
  /** Their clients soon give up. */
  hasty(service: Service): void;
}

/** All faults of one world. */
export class Faults {
  readonly #world: World;
  readonly #plane: ControlPlane;
  readonly #clients: readonly ClientPod[];
  readonly #severed = new Set<MemoryLink>();
  readonly #rolling = new Set<Service>();
  readonly #traffic: FaultTraffic;

  constructor(
    world: World,
    plane: ControlPlane,
    clients: readonly ClientPod[],
    traffic: FaultTraffic,
  ) {
    this.#traffic = traffic;
    this.#world = world;
    this.#plane = plane;
    this.#clients = clients;
  }

  readonly #kinds: readonly (readonly [weight: number, fault: () => void])[] = [
    [6, () => this.#resetLink()],
    [4, () => this.#severLink()],
    [3, () => this.#killPod()],
    [2, () => this.#killServerProxy()],
    [1, () => this.#killClientProxy()],
    [4, () => this.#roll()],
    [2, () => this.#silenceAddress()],
    [1, () => this.#failDiscovery()],
    [3, () => this.#goodbye()],
    [4, () => this.#stranger()],
  ];

  /** One of them, at random. */
  happen(): void {
    const { random } = this.#world;
    let left = random.unit() * this.#kinds.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, fault] of this.#kinds) {
      left -= weight;
      if (left < 0) return fault();
    }
  }

  /** No link stays cut. */
  heal(): void {
    for (const link of this.#severed) this.#join(link);
  }

  // ---- links ----

  /** Links of proxies, and who is hurt when one fails. */
  #victims(): Victim[] {
    const { blame, time } = this.#world;
    const victims: Victim[] = [];
    for (const { index, proxy } of this.#clients) {
      for (const { link, side } of proxy?.links ?? []) {
        // Whichever service it leads to.
        const hurt = (ms: number, waits: boolean): void =>
          blame.add(ofClient(index), time.nowMs, time.nowMs + ms, waits);
        victims.push({ link, where: `client ${index} ${side}`, blame: hurt });
      }
    }
    for (const service of this.#plane.services) {
      for (const { name, proxy } of service.pods) {
        for (const { link, side } of proxy?.links ?? []) {
          victims.push({ link, where: `${name} ${side}`, blame: service.blame.bind(service) });
        }
      }
    }
    return victims;
  }

  #victim(): Victim | undefined {
    const victims = this.#victims().filter(({ link }) => !link.connecting);
    return victims.length === 0 ? undefined : this.#world.random.pick(victims);
  }

  #resetLink(): void {
    const { random, time, trace } = this.#world;
    const victim = this.#victim();
    if (victim === undefined) return;
    victim.blame(0, false);
    this.#world.step(random.integer(0, STEPS_MAX));
    trace.add(`a link is reset: ${victim.where} ${victim.link.peer.remote}`);
    time.turn.run(() => victim.link.fail('ECONNRESET'));
  }

  #severLink(): void {
    const { random, time, trace } = this.#world;
    const victim = this.#victim();
    if (victim === undefined) return;
    const { link } = victim;
    const forGood = random.chance(0.2);
    const ms = forGood
      ? TCP_GIVES_UP_MS
      : random.integer(100, random.chance(0.5) ? 5_000 : 120_000);
    trace.add(`a link is cut for ${ms} ms: ${victim.where} ${link.peer.remote}`);
    victim.blame(forGood ? CUT_HURTS_MS : ms + TOLD_MS, true);
    link.sever();
    this.#severed.add(link);
    time.after(ms, () => this.#join(link));
  }

  /** Carries again, or is given up by TCP where that has waited for too long. */
  #join(link: MemoryLink): void {
    const { time, trace } = this.#world;
    if (!this.#severed.delete(link)) return;
    trace.add(`a link is joined again: ${link.peer.remote}`);
    time.turn.run(() => link.join());
  }

  // ---- pods ----

  #pod(): ServerPod | undefined {
    const { random } = this.#world;
    const pods = this.#plane.services.flatMap((service) => service.pods);
    const alive = pods.filter(({ dead, terminating }) => !dead && !terminating);
    return alive.length === 0 ? undefined : random.pick(alive);
  }

  /** It is gone without a word to anybody, and another comes in its place, or at its address. */
  #killPod(): void {
    const { random, time, trace } = this.#world;
    const pod = this.#pod();
    if (pod === undefined) return;
    const { service } = pod;
    const silently = random.chance(0.5);
    const noticedMs = random.integer(100, NOTICED_MS_MAX);
    const backMs = noticedMs + random.integer(100, BACK_MS_MAX);
    trace.add(`${pod.name} dies${silently ? ' silently' : ''}, back in ${backMs} ms`);
    // Who is connected to a machine that went silently may wait for as long as to a cut link.
    service.blame(backMs + TOLD_MS + (silently ? CUT_HURTS_MS : 0), silently);
    if (silently) this.#world.transport.silence(pod.address);
    this.#world.step(random.integer(0, STEPS_MAX));
    pod.kill(silently);
    time.after(noticedMs, () => service.changed());
    const sameAddress = random.chance(0.5);
    time.after(backMs, async () => {
      if (silently) this.#world.transport.unsilence(pod.address);
      await service.addPod(sameAddress ? pod.host : undefined);
      service.changed();
    });
  }

  #killServerProxy(): void {
    const pod = this.#pod();
    if (pod?.proxy === undefined) return;
    this.#world.trace.add(`the ${pod.proxy.name} dies`);
    pod.service.blame(TOLD_MS, false);
    this.#world.step(this.#world.random.integer(0, STEPS_MAX));
    pod.killProxy();
  }

  #killClientProxy(): void {
    const { random, trace } = this.#world;
    const client = random.pick(this.#clients);
    trace.add(`the sidecar of client ${client.index} dies`);
    this.#world.step(random.integer(0, STEPS_MAX));
    client.killProxy();
  }

  /**
   * A pod is replaced in order, which nobody may notice: the new one first, everybody is told, and
   * the old one drains.
   */
  #roll(): void {
    const { time, trace } = this.#world;
    const pod = this.#pod();
    if (pod === undefined || this.#rolling.has(pod.service)) return;
    const { service } = pod;
    this.#rolling.add(service);
    trace.add(`${pod.name} is replaced in order`);
    time.after(0, async () => {
      await service.addPod();
      service.changed();
    });
    time.after(TOLD_MS, () => {
      this.#traffic.slow(service);
      pod.terminating = true;
      service.changed();
    });
    time.after(2 * TOLD_MS, () => {
      this.#rolling.delete(service);
      if (pod.dead) return;
      trace.add(`${pod.name} is told to end`);
      pod.leave();
    });
    time.after(60_000, () => service.changed());
  }

  /** Nobody answers dials to it for a while. */
  #silenceAddress(): void {
    const { random, time, trace, transport } = this.#world;
    const pod = this.#pod();
    if (pod === undefined) return;
    // Some dials are only late.
    const ms = random.chance(0.5) ? random.integer(50, 900) : random.integer(500, 20_000);
    trace.add(`${pod.name} answers no dial for ${ms} ms`);
    pod.service.blame(ms + TOLD_MS, true);
    transport.silence(pod.address);
    this.#traffic.hasty(pod.service);
    time.after(ms, () => transport.unsilence(pod.address));
  }

  /** An application that speaks HTTP/2 says GOAWAY to somebody: whole requests lose nothing. */
  #goodbye(): void {
    const { random, trace } = this.#world;
    const pod = this.#pod();
    const connections = pod?.application.http2 ?? [];
    if (connections.length === 0) return;
    trace.add(`${pod?.name} says GOAWAY`);
    pod?.service.blame(0, false);
    random.pick(connections).goodbye();
  }

  #failDiscovery(): void {
    const { random, trace } = this.#world;
    const ms = random.integer(1_000, 60_000);
    trace.add(`discovery says nothing for ${ms} ms`);
    this.#plane.fail(ms);
  }

  #stranger(): void {
    this.#world.random.pick(this.#clients).stranger();
  }
}
