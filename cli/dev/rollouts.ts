/** Rolling restarts of the Deployments of a run, as `kubectl rollout restart` asks for them. */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import type { LocalMesh } from './local-mesh.ts';
import type { DeploymentSpec } from './manifest.ts';
import type { PodPlanner } from './pod-planner.ts';
import type { PodRunner } from './pod-runner.ts';
import { rollPods } from './rolling-restart.ts';

/** Sidecars have so long to hear that a pod ends before its application does. */
const NOTICE_MS = 2_000;

/** How often pods are looked at that were ready and are not, and how often at most in a row. */
const LOOK_INTERVAL_MS = 100;
/** 30 s, as a new pod has to get ready. */
const LOOKS_MAX = 300;

/** What is asked for. */
export interface RestartRequest {
  /** Undefined: the one namespace that has such a Deployment. */
  readonly namespace: string | undefined;
  readonly deployment: string;
}

/** What Rollouts uses of the mesh. */
export type RollingMesh = Pick<LocalMesh, 'stayingPods' | 'startPod' | 'endPod'>;

/** One restart a Deployment at a time. */
export class Rollouts {
  readonly #mesh: RollingMesh;
  readonly #planner: PodPlanner;
  readonly #deployments: readonly DeploymentSpec[];
  readonly #stop: AbortSignal;
  readonly #rolling = new Set<DeploymentSpec>();

  /** `stop` aborts when the mesh is to end. */
  constructor(
    mesh: RollingMesh,
    planner: PodPlanner,
    deployments: readonly DeploymentSpec[],
    stop: AbortSignal,
  ) {
    this.#mesh = mesh;
    this.#planner = planner;
    this.#deployments = deployments;
    this.#stop = stop;
  }

  /** Resolves to the new pods, as many as the Deployment wants; a `Failure` says why there are not. */
  async restart(
    request: RestartRequest,
    say: (line: string) => void,
  ): Promise<readonly PodRunner[]> {
    this.#refuseEnding();
    const deployment = this.#find(request);
    if (this.#rolling.has(deployment)) {
      throw new Failure(`deploy/${deployment.name} is being restarted already; wait for that`);
    }
    this.#rolling.add(deployment);
    try {
      return await this.#roll(deployment, say);
    } finally {
      this.#rolling.delete(deployment);
    }
  }

  #refuseEnding(): void {
    if (this.#stop.aborted) throw new Failure('the mesh is ending');
  }

  #find({ deployment: name, namespace }: RestartRequest): DeploymentSpec {
    const named = this.#deployments.filter((one) => one.name === name);
    const found = named.filter((one) => namespace === undefined || one.namespace === namespace);
    const [first, ...others] = found;
    if (first === undefined) {
      const known = this.#deployments.map((one) => `deploy/${one.name}`).join(', ');
      const where = namespace === undefined ? '' : ` in namespace "${namespace}"`;
      throw new Failure(`no deployment "${name}"${where}; there are ${known}`);
    }
    if (others.length === 0) return first;
    const namespaces = found.map((one) => one.namespace).join(', ');
    throw new Failure(`deploy/${name} is in several namespaces: say one of ${namespaces} with -n`);
  }

  async #roll(
    deployment: DeploymentSpec,
    say: (line: string) => void,
  ): Promise<readonly PodRunner[]> {
    const old = this.#mesh.stayingPods.filter(({ plan }) => plan.deployment === deployment);
    return rollPods(old, deployment.replicas, {
      isReady: ({ ready }) => ready,
      wait: async (times) => {
        if (times > LOOKS_MAX) {
          throw new Failure(
            `new pods of deploy/${deployment.name} are not ready any more; see what they said above, or run dev with --logs`,
          );
        }
        // Aborted or not, what comes next says it.
        await delay(LOOK_INTERVAL_MS, undefined, { signal: this.#stop }).catch(() => {});
        this.#refuseEnding();
      },
      start: async () => {
        const plan = this.#planner.next(deployment);
        say(`${plan.name} starts`);
        try {
          const pod = await this.#mesh.startPod(plan, this.#stop);
          say(`${plan.name} is ready`);
          return pod;
        } catch (error) {
          this.#planner.release(plan);
          this.#refuseEnding();
          throw error;
        }
      },
      end: async (pod) => {
        say(`${pod.plan.name} ends`);
        await this.#mesh.endPod(pod, NOTICE_MS);
        this.#planner.release(pod.plan);
        say(`${pod.plan.name} is gone`);
      },
    });
  }
}
