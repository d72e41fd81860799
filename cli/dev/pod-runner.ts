import { once, EventEmitter } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeFlags } from '../../base/node-flags.ts';
import { formatSocketAddress } from '../../base/settings.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { Child } from './child.ts';
import type { OnLine, Program } from './child.ts';
import { systemClock } from './clock.ts';
import { applicationEnvironment, expandVariables } from './environment.ts';
import type { Environment } from './environment.ts';
import type { Guardian } from './guardian.ts';
import type { PodNetwork } from './pod-network.ts';
import type { PodPlan } from './pod-plan.ts';
import { ProbedReadiness } from './probed-readiness.ts';
import { SupervisedProgram } from './supervised-program.ts';

/** What the pods of one run share. */
export interface PodSurroundings {
  /** The checkout: where the sidecar's program is. */
  readonly root: string;
  readonly environment: Environment;
  readonly guardian: Guardian;
  /** The API that sidecars connect to. */
  readonly controller: SocketAddress;
  readonly network: PodNetwork;
  /** Sidecars log what they do, not only what troubles them. */
  readonly verbose: boolean;
  /** A line that `source` ("web-1", "web-1 proxy") printed. */
  readonly onLine: (source: string, ...line: Parameters<OnLine>) => void;
  readonly onTrouble: (sentence: string) => void;
  /** The pod became ready, or is no longer. */
  readonly onReadiness: (pod: PodRunner) => void;
}

const PROBE_INTERVAL_MS_STARTING = 100;
const PROBE_INTERVAL_MS_READY = 1_000;

/** The sidecar's share of the five seconds in which everything ends. */
const DRAIN_QUIET_MS = 200;
const DRAIN_DEADLINE_MS = 2_000;

/** From SIGTERM to SIGKILL: terminationGracePeriodSeconds where a pod does not say it. */
const GRACE_MS = 30_000;

/** Runs one pod: the application and its sidecar, both restarted when they end, and its readiness. */
export class PodRunner {
  readonly plan: PodPlan;
  readonly #surroundings: PodSurroundings;
  readonly #application: SupervisedProgram;
  readonly #sidecar: SupervisedProgram | undefined;
  readonly #stopping = new AbortController();
  readonly #events = new EventEmitter();
  #ready = false;

  constructor(plan: PodPlan, surroundings: PodSurroundings) {
    this.plan = plan;
    this.#surroundings = surroundings;
    const { network } = surroundings;
    const application = applicationProgram(plan, surroundings);
    const command = `${plan.name}: "${application.argv.join(' ')}"`;
    const placed = network.application(application, plan);
    this.#application = this.#supervise(plan.name, command, placed);
    if (plan.admin !== undefined) {
      const sidecar = sidecarProgram(plan, surroundings);
      const source = `${plan.name} proxy`;
      const own = network.sidecar(sidecar, plan);
      this.#sidecar = this.#supervise(source, `${source}: the sidecar`, own);
    }
  }

  get ready(): boolean {
    return this.#ready;
  }

  get applicationPid(): number | undefined {
    return this.#application.pid;
  }

  get sidecarPid(): number | undefined {
    return this.#sidecar?.pid;
  }

  start(): void {
    this.#sidecar?.start();
    this.#application.start();
    void this.#watchReadiness();
  }

  /** Resolves when the pod is ready; rejects when `signal` aborts first. */
  async untilReady(signal: AbortSignal): Promise<void> {
    if (!this.#ready) await once(this.#events, 'ready', { signal });
  }

  /** Sends the signal to both programs, which are not started again. */
  stop(signal: NodeJS.Signals): void {
    this.#stopping.abort();
    this.#application.stop(signal);
    this.#sidecar?.stop(signal);
  }

  /**
   * Ends it as Kubernetes does: the application first, the sidecar that carries its last requests
   * after it. Each is killed when the pod's grace is over. Resolves when both are gone.
   */
  async end(): Promise<void> {
    this.#stopping.abort();
    const sinceMs = performance.now();
    const endOne = async (program: SupervisedProgram | undefined): Promise<void> => {
      const leftMs = Math.max(0, sinceMs + GRACE_MS - performance.now());
      const kill = setTimeout(() => program?.stop('SIGKILL'), leftMs);
      program?.stop('SIGTERM');
      await program?.exited();
      clearTimeout(kill);
    };
    await endOne(this.#application);
    await endOne(this.#sidecar);
  }

  /** Resolves when both programs have ended. */
  async exited(): Promise<void> {
    await Promise.all([this.#application.exited(), this.#sidecar?.exited()]);
  }

  #supervise(source: string, name: string, program: Program): SupervisedProgram {
    const { guardian, onLine, onTrouble } = this.#surroundings;
    return new SupervisedProgram({
      name,
      start: () => new Child(program, guardian, (...line) => onLine(source, ...line)),
      clock: systemClock,
      onDown: () => this.#setReady(false),
      onTrouble,
    });
  }

  async #watchReadiness(): Promise<void> {
    const { signal } = this.#stopping;
    const probed = new ProbedReadiness();
    while (!signal.aborted) {
      const pids = this.#pids();
      const { network } = this.#surroundings;
      const answered = await network.isReady(this.plan, this.applicationPid);
      // An answer counts only for the processes that were there, both of them, to give it.
      const current = pids !== undefined && pids === this.#pids();
      const ready = probed.after(answered, this.#ready) && current;
      if (!signal.aborted) this.#setReady(ready);
      const intervalMs = this.#ready ? PROBE_INTERVAL_MS_READY : PROBE_INTERVAL_MS_STARTING;
      await delay(intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Names the running processes; undefined while one of them is down. */
  #pids(): string | undefined {
    const application = this.applicationPid;
    const sidecar = this.#sidecar === undefined ? 0 : this.sidecarPid;
    return application === undefined || sidecar === undefined
      ? undefined
      : `${application} ${sidecar}`;
  }

  #setReady(ready: boolean): void {
    if (this.#ready === ready) return;
    this.#ready = ready;
    this.#surroundings.onReadiness(this);
    if (ready) this.#events.emit('ready');
  }
}

function applicationProgram(plan: PodPlan, { environment }: PodSurroundings): Program {
  const { argv, directory } = plan.deployment.container;
  const own = applicationEnvironment(plan);
  return {
    argv: argv.map((word) => expandVariables(word, own)),
    directory,
    environment: { ...environment, ...own },
  };
}

function sidecarProgram(plan: PodPlan, around: PodSurroundings): Program {
  const launcher = path.join(around.root, 'base', 'launch.mjs');
  const argv = [process.execPath, ...nodeFlags('proxy/main.ts'), launcher, 'proxy/main.ts'];
  argv.push(...around.network.sidecarFlags(plan));
  argv.push('--controller', formatSocketAddress(around.network.fromPods(around.controller)));
  argv.push('--pod-namespace', plan.namespace, '--pod-name', plan.name);
  argv.push('--drain-quiet-ms', String(DRAIN_QUIET_MS));
  argv.push('--drain-deadline-ms', String(DRAIN_DEADLINE_MS));
  argv.push('--log-level', around.verbose ? 'info' : 'warn');
  return { argv, directory: around.root, environment: around.environment };
}
