/** The pod annotations that hold lists of ports, and whether they do. */
import { PORT_LIST_WORDS, parsePortList } from '../../base/port-list.ts';
import type { PortRange } from '../../base/port-list.ts';

/** Longer mistakes are cut. */
const SHOWN_LENGTH = 60;

const SKIP_INBOUND_PORTS = 'config.culvert.dev/skip-inbound-ports';
const SKIP_OUTBOUND_PORTS = 'config.culvert.dev/skip-outbound-ports';

/** Those that speak of the pod's own ports. */
export const OWN_PORT_LISTS: readonly string[] = [
  'config.culvert.dev/opaque-ports',
  SKIP_INBOUND_PORTS,
];

/**
 * Annotations that the controller would refuse the pod for, each with what is wrong. `portNames` are
 * those of the pod's own ports.
 */
export function portListProblems(
  annotations: Readonly<Record<string, string>>,
  portNames: ReadonlySet<string | undefined>,
): readonly (readonly [name: string, reason: string])[] {
  const problems: [name: string, reason: string][] = [];
  for (const name of [...OWN_PORT_LISTS, SKIP_OUTBOUND_PORTS]) {
    const reason = problemOf(annotations[name] ?? '', name, portNames);
    if (reason !== undefined) problems.push([name, reason]);
  }
  return problems;
}

/** Ports that a pod's sidecar has no part in. */
export interface SkippedPorts {
  /** Of the pod. */
  readonly inbound: readonly PortRange[];
  /** Of whomever it dials. */
  readonly outbound: readonly PortRange[];
}

/** What annotations without problems say of that. `ports` are the pod's own. */
export function skippedPorts(
  annotations: Readonly<Record<string, string>>,
  ports: readonly { readonly name: string | undefined; readonly containerPort: number }[],
): SkippedPorts {
  const rangesOf = (annotation: string): readonly PortRange[] => {
    const list = parsePortList(annotations[annotation] ?? '');
    if (typeof list === 'string') return [];
    const named = ports.filter(({ name }) => name !== undefined && list.names.includes(name));
    return [
      ...list.ranges,
      ...named.map(({ containerPort: port }) => ({ first: port, last: port })),
    ];
  };
  return { inbound: rangesOf(SKIP_INBOUND_PORTS), outbound: rangesOf(SKIP_OUTBOUND_PORTS) };
}

function problemOf(
  text: string,
  name: string,
  portNames: ReadonlySet<string | undefined>,
): string | undefined {
  const list = parsePortList(text);
  if (typeof list === 'string') return `must be ${PORT_LIST_WORDS}, has ${show(list)}`;
  const [named] = list.names;
  if (name === SKIP_OUTBOUND_PORTS && named !== undefined) {
    return `must name ports by number, has ${show(named)}`;
  }
  const unknown = list.names.find((portName) => !portNames.has(portName));
  return unknown && `names the port ${show(unknown)}, which is not there`;
}

const show = (text: string): string =>
  JSON.stringify(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text);
