/** The pod annotations that hold lists of ports, and whether they do. */
import { PORT_LIST_WORDS, parsePortList } from '../../base/port-list.ts';

/** Those that speak of the pod's own ports. */
export const OWN_PORT_LISTS: readonly string[] = [
  'config.culvert.dev/opaque-ports',
  'config.culvert.dev/skip-inbound-ports',
];

const PORT_LISTS = [...OWN_PORT_LISTS, 'config.culvert.dev/skip-outbound-ports'];

/** Annotations that hold no list of ports though they should, each with what is wrong. */
export function portListProblems(
  annotations: Readonly<Record<string, string>>,
): readonly (readonly [name: string, reason: string])[] {
  return PORT_LISTS.flatMap((name) => {
    const list = parsePortList(annotations[name] ?? '');
    if (typeof list !== 'string') return [];
    return [[name, `must be ${PORT_LIST_WORDS}, has "${list}"`] as const];
  });
}
