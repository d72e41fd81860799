/** Where pods live on this machine: how their programs get there, and how connections find them. */
import { formatSocketAddress } from '../../base/settings.ts';
import type { SocketAddress } from '../../base/settings.ts';
import type { Program } from './child.ts';
import type { PodPlan } from './pod-plan.ts';
import { isPodReady } from './readiness.ts';

/** The network of one run. */
export interface PodNetwork {
  /** Makes what the pod's programs need; a `Failure` when that cannot be. */
  create(plan: PodPlan): Promise<void>;
  /** Takes it away; the pod's programs have ended. Rejects with a `Failure`. */
  remove(plan: PodPlan): Promise<void>;
  /** Where pods find who listens on the machine at `listener`. */
  fromPods(listener: SocketAddress): SocketAddress;
  /** Where the pod's sidecar listens, and where it dials from. */
  sidecarFlags(plan: PodPlan): readonly string[];
  /** The pod's application as it is started there. */
  application(program: Program, plan: PodPlan): Program;
  /** The pod's sidecar as it is started there. */
  sidecar(program: Program, plan: PodPlan): Program;
  /** Its sidecar says so, and the application, which runs as `applicationPid`, listens. */
  isReady(plan: PodPlan, applicationPid: number | undefined): Promise<boolean>;
}

/**
 * Pods on the machine's own loopback: their programs are told where to listen and whom to call.
 * `singleAddress`: sidecars have no source address of their own.
 */
export function loopbackNetwork(singleAddress: boolean): PodNetwork {
  return {
    create: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    fromPods: (listener) => listener,
    application: (program) => program,
    sidecar: (program) => program,
    isReady: (plan) => isPodReady(plan),
    sidecarFlags: (plan) => [
      ...plan.ports.flatMap(({ inbound, application }) => [
        '--inbound',
        formatSocketAddress(inbound),
        '--forward',
        formatSocketAddress(application),
      ]),
      ...plan.waysOut.flatMap(({ service, port, at }) => {
        const destination = `${service.name}.${service.namespace}.svc.cluster.local:${port.port}`;
        return ['--way-out', `${formatSocketAddress(at)}=${destination}`];
      }),
      ...(singleAddress ? [] : ['--dial-from', plan.address]),
      ...(plan.admin === undefined ? [] : ['--admin', formatSocketAddress(plan.admin)]),
    ],
  };
}
