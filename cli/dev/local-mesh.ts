/** The mesh of one `dev` run: controller and pods, from the first process to the last. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../failure.ts';
import { MeshApi } from '../mesh-api.ts';
import { ControllerRunner } from './controller-runner.ts';
import type { ControllerAddresses } from './controller-runner.ts';
import type { Environment } from './environment.ts';
import { Guardian } from './guardian.ts';
import type { Manifest } from './manifest.ts';
import { selects } from './pod-plan.ts';
import type { PodPlan } from './pod-plan.ts';
import { endpointSlices, podResource } from './pod-resources.ts';
import { PodRunner } from './pod-runner.ts';
import { newStateDirectoryPath, StateDirectory } from './state-directory.ts';

/** What to run, and where. */
export interface LocalMeshOptions {
  readonly root: string;
  readonly environment: Environment;
  /** Absolute paths of the manifest's files. */
  readonly files: readonly string[];
  readonly manifest: Manifest;
  readonly pods: readonly PodPlan[];
  readonly singleAddress: boolean;
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
  #pods: readonly PodRunner[] = [];
  #deletedAt: string | undefined;

  /** Starts the guardian and creates the state directory, or fails; `stop` ends both. */
  constructor(options: LocalMeshOptions) {
    this.#options = options;
    const { root, environment, files, listen, logs, say } = options;
    const directory = newStateDirectoryPath();
    // The guardian comes first: it removes the directory if we die right after.
    this.#guardian = new Guardian(directory);
    try {
      this.#state = new StateDirectory(directory);
    } catch (error) {
      void this.#guardian.close();
      throw error;
    }
    this.#controller = new ControllerRunner({
      root,
      environment,
      guardian: this.#guardian,
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
    return this.#pods;
  }

  get controllerPid(): number | undefined {
    return this.#controller.pid;
  }

  /** Resolves when every pod is ready or had its time to be; rejects when `signal` aborts. */
  async start(signal: AbortSignal): Promise<ControllerAddresses> {
    const { root, environment, pods, singleAddress, logs, manifest, say } = this.#options;
    this.#writeState(pods, []);
    const addresses = await this.#controller.start(signal);
    say('the controller is ready');
    this.#pods = pods.map(
      (plan) =>
        new PodRunner(plan, {
          root,
          environment,
          guardian: this.#guardian,
          controller: addresses.proxyApi,
          singleAddress,
          verbose: logs,
          onLine: (...line) => this.#showLine(...line),
          onTrouble: (sentence) => {
            if (this.#deletedAt === undefined) say(sentence);
          },
          onReadiness: () => this.#updateState(),
        }),
    );
    // Nobody calls a pod that no service selects: it calls others, so they come first.
    const isCalled = ({ plan }: PodRunner): boolean =>
      manifest.services.some((service) => selects(service, plan));
    await this.#startPods(this.#pods.filter(isCalled), addresses, signal);
    await this.#startPods(
      this.#pods.filter((pod) => !isCalled(pod)),
      addresses,
      signal,
    );
    return addresses;
  }

  /** Ends every process, pods before the controller, and removes the state. Five seconds at most. */
  async stop(atOnce: AbortSignal): Promise<void> {
    this.#deletedAt = new Date(this.#options.wallClockMs()).toISOString();
    try {
      this.#updateState();
      await endWithin(this.#pods, POD_STOP_DEADLINE_MS, atOnce);
      await endWithin([this.#controller], CONTROLLER_STOP_DEADLINE_MS, atOnce);
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
    try {
      this.#writeState(this.#options.pods, this.#pods);
    } catch (error) {
      this.#options.say(messageOf(error));
    }
  }

  #writeState(plans: readonly PodPlan[], runners: readonly PodRunner[]): void {
    const readyPlans = new Set(runners.filter(({ ready }) => ready).map(({ plan }) => plan));
    const conditionOf = (plan: PodPlan) => ({
      ready: readyPlans.has(plan),
      deletedAt: this.#deletedAt,
    });
    for (const plan of plans) {
      this.#state.write(`pod.${plan.namespace}.${plan.name}`, podResource(plan, conditionOf(plan)));
    }
    for (const service of this.#options.manifest.services) {
      for (const { file, resource } of endpointSlices(service, plans, conditionOf)) {
        this.#state.write(file, resource);
      }
    }
  }

  #showLine(source: string, stream: 'stdout' | 'stderr', line: string): void {
    if (!this.#options.logs) {
      if (stream === 'stdout') return;
      // While all goes down together, what infrastructure says about it is noise.
      const infrastructure = source === 'controller' || source.endsWith(' proxy');
      if (infrastructure && this.#deletedAt !== undefined) return;
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
