/**
 * Connections of a pod that are open past its sidecar, where all should come by way of it: what a
 * missing rule leaves behind, seen in the kernel's table of sockets.
 *
 *   application, local A:40000 ─ remote 10.96.0.1:80        intercepted: a socket of ours has
 *   sidecar,     local 127.0.0.1:4140 ─ remote A:40000      that local end as its remote one
 *
 *   application, local A:8080 ─ remote A:50000              handed over: a socket of ours is the
 *   sidecar,     local A:50000 ─ remote A:8080              other end
 *
 * Loopback is nobody's business, and so are IPv6 neighbours, whom the rules leave alone.
 */
import type { Direction } from '../model/exchange.ts';
import type { BoundListeners } from '../model/thread.ts';
import { TCP_ESTABLISHED, TCP_LISTEN, type TcpSocket, portOf, tcpSockets } from './tcp-table.ts';

/** Open connections of one port. */
export interface PastSidecar {
  /** `outbound`: the application opened them. */
  readonly direction: Direction;
  /** The application's inbound, the other side's outbound. */
  readonly port: number;
  readonly connections: number;
}

/** The sidecar, as it shows in the table. */
export interface OwnSockets {
  /** The user that it runs as, and nothing else does. */
  readonly uid: number;
  /** Ports where it takes connections that leave the pod. */
  readonly outboundPorts: readonly number[];
}

/** What /interception.json says. */
export interface InterceptionState {
  /** Connections are redirected to this sidecar, or should be. */
  readonly intercepting: boolean;
  /** Absent where nobody can tell. */
  readonly past?: readonly PastSidecar[] | undefined;
}

/** 127.0.0.0/8 and ::1, as little-endian machines write them. */
const LOOPBACK = /^[0-9A-F]{6}7F:|^0{24}01000000:/;
/** fe80::/10, likewise. */
const LINK_LOCAL = /^[0-9A-F]{4}[89AB][0-9A-F]FE[0-9A-F]{24}:/;
/** Ports that are told; the rest is theirs who look into the pod. */
const PORTS_MAX = 32;

/**
 * Of this process; `listeners` are its own. Reads all of the table: some 5 ms, 50 ms with 10,000 sockets,
 * twice where something is suspected. For who asks, and not each time: see keepAnswer.
 */
export function interceptionState(
  listeners: Pick<BoundListeners, 'interceptInbound' | 'interceptOutbound'>,
): InterceptionState {
  const { interceptInbound, interceptOutbound } = listeners;
  if (interceptInbound.length + interceptOutbound.length === 0) return { intercepting: false };
  const uid = process.getuid?.() ?? 0;
  // Root's sockets are anybody's, and those that nobody has accepted yet.
  if (uid === 0) return { intercepting: true };
  const outboundPorts = interceptOutbound.map(({ port }) => port);
  const past = connectionsPast(tcpSockets, { uid, outboundPorts })?.filter(
    ({ direction }) => (direction === 'inbound' ? interceptInbound : interceptOutbound).length > 0,
  );
  return { intercepting: true, past };
}

/**
 * The connections that are open past the sidecar. `look` gives the table, undefined when it cannot be
 * had; it is asked again before a connection is suspected: a table is read while connections come.
 */
export function connectionsPast(
  look: () => readonly TcpSocket[] | undefined,
  own: OwnSockets,
): readonly PastSidecar[] | undefined {
  const first = suspectsOf(look(), own);
  if (first === undefined || first.size === 0) return first && [];
  const second = suspectsOf(look(), own);
  if (second === undefined) return undefined;
  const counts = new Map<string, PastSidecar>();
  for (const [key, { direction, port }] of second) {
    if (!first.has(key)) continue;
    const group = `${direction} ${port}`;
    const connections = (counts.get(group)?.connections ?? 0) + 1;
    counts.set(group, { direction, port, connections });
  }
  return [...counts.values()].toSorted((a, b) => b.connections - a.connections).slice(0, PORTS_MAX);
}

type Suspect = Pick<PastSidecar, 'direction' | 'port'>;

/** By both ends. */
function suspectsOf(
  sockets: readonly TcpSocket[] | undefined,
  { outboundPorts, uid }: OwnSockets,
): ReadonlyMap<string, Suspect> | undefined {
  if (sockets === undefined) return undefined;
  /** Remote ends of what the sidecar was handed; what it has not accepted yet is nobody's. */
  const intercepted = new Set<string>();
  const open = new Set<string>();
  const ownPorts = new Set<number>();
  const listening = new Set<number>();
  for (const { local, remote, state, uid: by } of sockets) {
    const port = portOf(local);
    open.add(`${local} ${remote}`);
    if (outboundPorts.includes(port)) intercepted.add(remote);
    if (state === TCP_LISTEN) (by === uid ? ownPorts : listening).add(port);
  }
  const suspects = new Map<string, Suspect>();
  for (const { local, remote, state, uid: by } of sockets) {
    const port = portOf(local);
    if (state !== TCP_ESTABLISHED || by === uid || ownPorts.has(port)) continue;
    if (LOOPBACK.test(local) || LOOPBACK.test(remote) || LINK_LOCAL.test(remote)) continue;
    const key = `${local} ${remote}`;
    if (listening.has(port)) {
      if (!open.has(`${remote} ${local}`)) suspects.set(key, { direction: 'inbound', port });
    } else if (!intercepted.has(local)) {
      suspects.set(key, { direction: 'outbound', port: portOf(remote) });
    }
  }
  return suspects;
}
