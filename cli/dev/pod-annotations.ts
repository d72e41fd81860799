/** Annotations that speak of a pod's own ports, where `dev` gives those ports other numbers. */
import { hasPort, parsePortList } from '../../base/port-list.ts';
import type { PodPlan, PodPort } from './pod-plan.ts';
import { OWN_PORT_LISTS } from './port-list-annotations.ts';

/**
 * The annotations of the pod as others see it: at its inbound ports. Those are its container ports,
 * but with `--single-address`.
 */
export function publishedAnnotations({
  deployment: { annotations },
  ports,
}: Pick<PodPlan, 'deployment' | 'ports'>): Readonly<Record<string, string>> {
  if (ports.every(({ containerPort, inbound }) => containerPort === inbound.port)) {
    return annotations;
  }
  return Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [
      name,
      OWN_PORT_LISTS.includes(name) ? renumber(value, ports) : value,
    ]),
  );
}

function renumber(value: string, ports: readonly PodPort[]): string {
  const list = parsePortList(value);
  if (typeof list === 'string') return value;
  const numbers = ports
    .filter(({ containerPort }) => hasPort(list.ranges, containerPort))
    .map(({ inbound }) => inbound.port);
  return [...numbers, ...list.names].join(',');
}
