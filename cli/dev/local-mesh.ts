/** The mesh of one `dev` run: controller and pods, from the first process to the last. */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure, messageOf } from '../failure.ts';
import { MeshApi } from '../mesh-api.ts';
import { ControllerRunner } from './controller-runner.ts';
import type { ControllerAddresses } from './controller-runner.ts';
import type { Environment } from './environment.ts';
import type { Guardian } from './guardian.ts';
import { untilEndingIsKnown } from './heard.ts';
import type { Manifest } from './manifest.ts';
import { LivePods } from './live-pods.ts';
import { selects } from './pod-plan.ts';
import type { PodNetwork } from './pod-network.ts';
import type { PodPlan } from './pod-plan.ts';
import type { NamedResource } from './pod-resources.ts';
import { PodRunner } from './pod-runner.ts';
import { StateDirectory } from './state-directory.ts';

/** What to run, and where. */
export interface LocalMeshOptions {
  readonly root: string;
  readonly environment: Environment;
  /** Absolute paths of the manifest's files. */
  readonly files: readonly string[];
  /** What the controller is told besides, for the whole run. */
  readonly resources: readonly NamedResource[];
  readonly manifest: Manifest;
  readonly pods: readonly PodPlan[];
  readonly network: PodNetwork;
  /** Ends what is left of it; its state directory is the mesh's. */
  readonly guardian: Guardian;
  readonly listen: ControllerAddresses;
  /** Show everything that programs print. */
  readonly logs: boolean;
  /** A line for the user. */
  readonly say: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly wallClockMs: () => number;
}

/** A pod that is not ready by then is left to its restarts: the mesh starts without it. */
const START_DEADLINE_MS = 30_000;
/** A controller that is away does not keep a pod from being used. */
const KNOWN_DEADLINE_MS = 2_000;
const API_POLL_MS = 50;

/** All has ended within five seconds: three for pods, one for the controller, one to spare. */
const POD_STOP_DEADLINE_MS = 3_000;
const CONTROLLER_STOP_DEADLINE_MS = 1_000;

/** Runs the controller and the pods: `start` once, then `stop` once. */
export class LocalMesh {
  readonly #options: LocalMeshOptions;
  readonly #guardian: Guardian;
  readonly #state: StateDirectory;
  readonly #controller: ControllerRunner;
  readonly #pods: LivePods;
  #addresses: ControllerAddresses | undefined;
  #stopping = false;
  /** Networks of pods that are being made. */
  readonly #creating = new Set<Promise<void>>();
  /** The state directory is gone, or about to. */
  #over = false;

  /** Creates the state directory, or fails; `stop` removes it, and ends the guardian. */
  constructor(options: LocalMeshOptions) {
    this.#options = options;
    const { root, environment, files, guardian, listen, logs, resources, say } = options;
    this.#guardian = guardian;
    const directory = guardian.stateDirectory;
    this.#state = new StateDirectory(directory);
    for (const { file, resource } of resources) this.#state.writeOnce(file, resource);
    const { manifest, pods, wallClockMs } = options;
    const { services } = manifest;
    this.#pods = new LivePods({ state: this.#state, services, wallClockMs });
    for (const plan of pods) this.#pods.add(plan);
    this.#controller = new ControllerRunner({
      root,
      environment,
      guardian,
      resources: [...files, directory],
      listen,
      verbose: logs,
      onLine: (...line) => this.#showLine('controller', ...line),
      onTrouble: say,
    });
  }

  /** Resolves when the guardian is gone, which nobody but `stop` should cause. */
  get guardianGone(): Promise<void> {
    return this.#guardian.exited;
  }

  get stateDirectory(): string {
    return this.#state.path;
  }

  get pods(): readonly PodRunner[] {
    return this.#pods.runners;
  }

  /** Pods that nobody has asked to end. */
  get stayingPods(): readonly PodRunner[] {
    return this.#pods.staying;
  }

  get controllerPid(): number | undefined {
    return this.#controller.pid;
  }

  /** Resolves when every pod is ready or had its time to be; rejects when `signal` aborts. */
  async start(signal: AbortSignal): Promise<ControllerAddresses> {
    signal.throwIfAborted();
    const { pods, manifest, say } = this.#options;
    this.#pods.write();
    const addresses = await this.#controller.start(signal);
    this.#addresses = addresses;
    say('the controller is ready');
    const runners = pods.map((plan) => this.#newRunner(plan, addresses));
    for (const runner of runners) this.#pods.run(runner);
    // Nobody calls a pod that no service selects: it calls others, so they come first.
    const isCalled = ({ plan }: PodRunner): boolean =>
      manifest.services.some((service) => selects(service, plan));
    await this.#startPods(runners.filter(isCalled), addresses, signal);
    await this.#startPods(
      runners.filter((pod) => !isCalled(pod)),
      addresses,
      signal,
    );
    return addresses;
  }

  #newRunner(plan: PodPlan, { proxyApi }: ControllerAddresses): PodRunner {
    const { root, environment, network, logs, say } = this.#options;
    return new PodRunner(plan, {
      root,
      environment,
      guardian: this.#guardian,
      controller: proxyApi,
      network,
      verbose: logs,
      onLine: (...line) => this.#showLine(...line),
      onTrouble: (sentence) => {
        if (!this.#stopping) say(sentence);
      },
      onReadiness: () => this.#updateState(),
    });
  }

  /**
   * Starts one more pod. Resolves when it is ready and the controller knows it, if there is one;
   * rejects without the pod: with a `Failure` when it is not ready in time, or as `signal` says.
   */
  async startPod(plan: PodPlan, signal: AbortSignal): Promise<PodRunner> {
    const addresses = this.#addresses;
    if (addresses === undefined || this.#stopping) throw new Failure('the mesh is ending');
    const pod = this.#newRunner(plan, addresses);
    this.#pods.add(plan);
    this.#pods.run(pod);
    this.#updateState();
    try {
      await this.#create(plan);
    } catch (error) {
      await this.endPod(pod, 0);
      throw error;
    }
    pod.start();
    try {
      await pod.untilReady(AbortSignal.any([signal, AbortSignal.timeout(START_DEADLINE_MS)]));
    } catch {
      await this.endPod(pod, 0);
      signal.throwIfAborted();
      throw new Failure(
        `${plan.name} was not ready within ${START_DEADLINE_MS / 1_000} s; see what it said above, or run dev with --logs`,
      );
    }
    const known = AbortSignal.any([signal, AbortSignal.timeout(KNOWN_DEADLINE_MS)]);
    await this.#untilControllerKnows([pod], addresses.api, known);
    return pod;
  }

  /**
   * Ends the pod in order: it is marked as ending, the sidecars have `noticeMs` to take that in, then
   * its programs end. Resolves when nothing is left of it.
   */
  async endPod(pod: PodRunner, noticeMs: number): Promise<void> {
    this.#pods.markDeleted(pod.plan);
    this.#updateState();
    if (noticeMs > 0 && this.#addresses !== undefined) {
      const sidecars = this.stayingPods
        .filter(({ plan, ready }) => ready && plan.admin !== undefined)
        .map(({ plan }) => keyOf(plan));
      await untilEndingIsKnown(pod.plan, sidecars, this.#addresses.admin, noticeMs);
    }
    await pod.end();
    await this.#remove(pod.plan);
    this.#pods.remove(pod.plan);
    this.#updateState();
  }

  /** A mesh that is ending makes nothing any more: what is made then would stay. */
  async #create(plan: PodPlan): Promise<void> {
    const creating = this.#options.network.create(plan);
    this.#creating.add(creating);
    await creating.finally(() => this.#creating.delete(creating));
    if (this.#stopping) throw new Failure('the mesh is ending');
  }

  /** What cannot be taken away now is when all is. */
  async #remove(plan: PodPlan): Promise<void> {
    await this.#options.network
      .remove(plan)
      .catch((error: unknown) => this.#options.say(messageOf(error)));
  }

  /** Ends every process, pods before the controller, and removes the state. Five seconds at most. */
  async stop(atOnce: AbortSignal): Promise<void> {
    this.#stopping = true;
    this.#pods.markAllDeleted();
    try {
      this.#updateState();
      await Promise.allSettled(this.#creating);
      await endWithin(this.#pods.runners, POD_STOP_DEADLINE_MS, atOnce);
      await endWithin([this.#controller], CONTROLLER_STOP_DEADLINE_MS, atOnce);
      this.#over = true;
      this.#state.remove();
    } finally {
      // Whatever went wrong: the guardian ends what is left, then itself.
      await this.#guardian.close();
    }
  }

  async #startPods(
    pods: readonly PodRunner[],
    { api }: ControllerAddresses,
    signal: AbortSignal,
  ): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(START_DEADLINE_MS)]);
    for (const pod of pods) {
      await this.#create(pod.plan);
      signal.throwIfAborted();
    }
    for (const pod of pods) pod.start();
    const ready = pods.map(async (pod) => {
      await pod.untilReady(deadline);
      this.#options.say(`${pod.plan.name} is ready`);
    });
    const outcomes = await Promise.allSettled(ready);
    signal.throwIfAborted();
    for (const [i, { status }] of outcomes.entries()) {
      if (status === 'rejected') {
        this.#options.say(
          `${pods[i]?.plan.name} is not ready after ${START_DEADLINE_MS / 1_000} s; it goes on trying`,
        );
      }
    }
    await this.#untilControllerKnows(pods, api, deadline);
    signal.throwIfAborted();
  }

  /** Waits until the controller says that these pods are ready, as far as they are. */
  async #untilControllerKnows(
    pods: readonly PodRunner[],
    address: ControllerAddresses['api'],
    deadline: AbortSignal,
  ): Promise<void> {
    const api = new MeshApi(address, this.#options.wallClockMs);
    try {
      while (!deadline.aborted) {
        // A controller that restarts just now knows nothing: ask again.
        const known = await readyPods(api).catch(() => new Set<string>());
        if (pods.every(({ plan, ready }) => !ready || known.has(keyOf(plan)))) return;
        await delay(API_POLL_MS);
      }
    } finally {
      api.close();
    }
  }

  /** Tells the controller how the pods are now. A full disk is no reason to end what runs. */
  #updateState(): void {
    if (this.#over) return;
    try {
      this.#pods.write();
    } catch (error) {
      this.#options.say(messageOf(error));
    }
  }

  #showLine(source: string, stream: 'stdout' | 'stderr', line: string): void {
    if (!this.#options.logs) {
      if (stream === 'stdout') return;
      // While all goes down together, what infrastructure says about it is noise.
      const infrastructure = source === 'controller' || source.endsWith(' proxy');
      if (infrastructure && this.#stopping) return;
    }
    this.#options.say(`[${source}] ${line}`);
  }
}

const keyOf = (pod: { readonly namespace: string; readonly name: string }): string =>
  `${pod.namespace}/${pod.name}`;

async function readyPods(api: MeshApi): Promise<ReadonlySet<string>> {
  const { pods } = await api.listPods('');
  return new Set(pods.filter(({ ready }) => ready).map(keyOf));
}

interface Ending {
  stop(signal: NodeJS.Signals): void;
  exited(): Promise<void>;
}

/** SIGTERM for all, SIGKILL for what is left after `deadlineMs` or when `atOnce` aborts. */
async function endWithin(
  programs: readonly Ending[],
  deadlineMs: number,
  atOnce: AbortSignal,
): Promise<void> {
  for (const program of programs) program.stop(atOnce.aborted ? 'SIGKILL' : 'SIGTERM');
  const kill = (): void => {
    for (const program of programs) program.stop('SIGKILL');
  };
  const timer = setTimeout(kill, deadlineMs);
  atOnce.addEventListener('abort', kill, { once: true });
  await Promise.all(programs.map((program) => program.exited()));
  clearTimeout(timer);
  atOnce.removeEventListener('abort', kill);
}
