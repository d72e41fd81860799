/** What is asked of proxy-init for a pod: as for one of a cluster, from its annotations. */
import type { ApplyRequest } from '../../../k8s/init/apply-rules.ts';
import { hasPort } from '../../../base/port-list.ts';
import { INTERCEPTING_PORTS } from '../pod-plan.ts';
import type { PodPlan, WayOut } from '../pod-plan.ts';
import { skippedPorts } from '../port-list-annotations.ts';
import { SIDECAR_UID } from './names.ts';
import { SIDECAR_ADMIN_PORT } from './namespace-addresses.ts';

/** The rules of a pod that has a sidecar. */
export function interceptionOf(plan: Pick<PodPlan, 'deployment' | 'ports'>): ApplyRequest {
  const [outboundPort, inboundPort] = INTERCEPTING_PORTS;
  const skipped = skippedPorts(plan.deployment.annotations, plan.ports);
  return {
    options: {
      proxyUid: SIDECAR_UID,
      inboundPort,
      outboundPort,
      adminPort: SIDECAR_ADMIN_PORT,
      skipInboundPorts: skipped.inbound,
      skipOutboundPorts: skipped.outbound,
      skipSubnets: [],
    },
    backend: 'auto',
    // Pods have no IPv6 address but those of loopback and of the link.
    ipv6: 'off',
  };
}

/** The ways to services that the pod's programs go without a sidecar. */
export function waysPastSidecar(plan: PodPlan): readonly WayOut[] {
  const { annotations, meshed } = plan.deployment;
  const { outbound } = skippedPorts(annotations, plan.ports);
  return plan.waysOut.filter(({ port }) => !meshed || hasPort(outbound, port.port));
}
