/**
 * Annotations that declare what ports carry:
 *
 *   config.culvert.dev/app-protocol           Service   "http1", "8080=http1,9000-9010=opaque,db=opaque"
 *   config.culvert.dev/opaque-ports           Service, Pod   "3306,4444-4450,mysql"
 *   config.culvert.dev/skip-inbound-ports     Pod       likewise
 *   config.culvert.dev/skip-outbound-ports    Pod       likewise, without names
 *
 * Ports of a Service are its own, not those of its pods. Names become numbers here. Of an annotation
 * that is wrong the first mistake is told: there may be thousands.
 */
import { PORT_LIST_WORDS, PORT_MAX, mergeRanges, parsePortList } from '../../base/port-list.ts';
import type { PortRange } from '../../base/port-list.ts';
import { declaredByWord } from './declared-protocol.ts';
import type { PortDeclaration } from './declared-protocol.ts';
import type { Fields } from './fields.ts';
import { show } from './fields.ts';

const APP_PROTOCOL = 'config.culvert.dev/app-protocol';
const OPAQUE_PORTS = 'config.culvert.dev/opaque-ports';
const SKIP_INBOUND_PORTS = 'config.culvert.dev/skip-inbound-ports';
const SKIP_OUTBOUND_PORTS = 'config.culvert.dev/skip-outbound-ports';

const PROTOCOL_WORDS = 'opaque, http1, http2, skip or detect';

/** A port and what it is called. */
interface NamedPort {
  readonly name: string | undefined;
  readonly port: number;
}

/** What a Service's annotations declare of its ports; what is wrong is noted in the fields. */
export function readServiceDeclarations(
  annotations: Fields,
  ports: readonly NamedPort[],
): PortDeclaration[] {
  return [
    ...readAppProtocols(annotations, ports),
    ...opaque(readRanges(annotations, OPAQUE_PORTS, ports)),
  ];
}

/** What the annotations of a pod declare. */
export interface PodDeclarations {
  /** Of the pod's own ports. */
  readonly declaredInbound: readonly PortDeclaration[];
  /** Of ports that it dials. */
  readonly declaredOutbound: readonly PortDeclaration[];
  /** Its own ports that no sidecar is in front of, where connections are intercepted. */
  readonly skippedInbound: readonly PortRange[];
}

/** What a pod's annotations declare; what is wrong is noted in the fields. */
export function readPodDeclarations(
  annotations: Fields,
  ports: readonly NamedPort[],
): PodDeclarations {
  const skippedInbound = readRanges(annotations, SKIP_INBOUND_PORTS, ports);
  return {
    skippedInbound,
    declaredInbound: opaque([...skippedInbound, ...readRanges(annotations, OPAQUE_PORTS, ports)]),
    // The names of other pods' ports are not known here.
    declaredOutbound: opaque(readRanges(annotations, SKIP_OUTBOUND_PORTS, undefined)),
  };
}

/** They go to proxies, one by one, however often people say them. */
const opaque = (ranges: readonly PortRange[]): PortDeclaration[] =>
  mergeRanges(ranges).map((range) => ({ ...range, protocol: 'opaque' }));

/** One protocol for all ports, or a list of PORTS=PROTOCOL. */
function readAppProtocols(annotations: Fields, ports: readonly NamedPort[]): PortDeclaration[] {
  const text = annotations.text(APP_PROTOCOL)?.trim();
  if (text === undefined || text === '') return [];
  const forAll = declaredByWord(text);
  if (forAll !== undefined) return [{ first: 1, last: PORT_MAX, protocol: forAll }];
  const declarations: PortDeclaration[] = [];
  for (const entry of text.split(',')) {
    const [given = '', word, ...rest] = entry.split('=').map((part) => part.trim());
    const protocol = rest.length > 0 ? undefined : declaredByWord(word ?? '');
    if (protocol === undefined || given === '') {
      const form = 'must be a protocol, or PORT=PROTOCOL with commas between';
      annotations.refuse(APP_PROTOCOL, `${form} (${PROTOCOL_WORDS}), has ${show(entry.trim())}`);
      return [];
    }
    const ranges = resolve(annotations, APP_PROTOCOL, given, ports);
    if (ranges === undefined) return [];
    for (const range of ranges) declarations.push({ ...range, protocol });
  }
  return declarations;
}

function readRanges(
  annotations: Fields,
  name: string,
  ports: readonly NamedPort[] | undefined,
): PortRange[] {
  const text = annotations.text(name);
  return text === undefined ? [] : (resolve(annotations, name, text, ports) ?? []);
}

/** `ports` are those that can be named; undefined where none can. Undefined: it is refused. */
function resolve(
  annotations: Fields,
  name: string,
  text: string,
  ports: readonly NamedPort[] | undefined,
): PortRange[] | undefined {
  const list = parsePortList(text);
  if (typeof list === 'string') {
    annotations.refuse(name, `must be ${PORT_LIST_WORDS}, has ${show(list)}`);
    return undefined;
  }
  const ranges = [...list.ranges];
  for (const portName of list.names) {
    const found = ports?.find((one) => one.name === portName);
    if (found === undefined) {
      annotations.refuse(
        name,
        ports === undefined
          ? `must name ports by number, has ${show(portName)}`
          : `names the port ${show(portName)}, which is not there`,
      );
      return undefined;
    }
    ranges.push({ first: found.port, last: found.port });
  }
  return ranges;
}
