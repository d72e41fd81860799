/**
 * What the controller can tell of connections that sidecars should have seen and did not, or saw too
 * late. It sees no rules: it sees what proxies ask for and what they report.
 */
import { LATENCY_SLOTS } from '../../api/histogram.ts';
import { Direction } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import type { SeriesDefinition } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import type { ControllerView } from '../controller-view.ts';
import type { ControlStream } from '../discovery/control-stream.ts';
import { ADMIN_PORT_NAME } from '../discovery/endpoints.ts';
import { leadsToAddress, leadsToPod } from '../discovery/leads.ts';
import type { Leads } from '../discovery/leads.ts';
import { resolveTarget } from '../discovery/resolve.ts';
import type { Resolution } from '../discovery/resolve.ts';
import type { Pod, Service } from '../resources/resource.ts';
import type { Mesh } from '../state.ts';
import { windowSpan } from '../telemetry/window.ts';
import type { WindowTotals } from '../telemetry/window.ts';
import { silenceOf } from './reporting.ts';

/** What proxies ask for, and of what mesh. */
interface AskedFor extends Pick<ControllerView, 'mesh'> {
  readonly discovery: {
    readonly streams: Iterable<Pick<ControlStream, 'identity' | 'subscriptions'>>;
  };
}

/** What proxies report, and of what mesh. */
type Reported = Pick<ControllerView, 'mesh' | 'telemetry'>;

/** One alone may be a look at a pod by hand. */
const REWRITTEN_MIN = 2;
const WINDOW_SECONDS = 60;
/** Fewer requests may all be of the second that one side has reported and the other has not. */
const UNSEEN_MIN = 20;

/**
 * A sentence for each pod whose application calls endpoints by address that Services with addresses
 * of their own lead to, and no Service: so it looks when something rewrites its connections first.
 */
export function findRewritten({ discovery, mesh: current }: AskedFor): string[] {
  const mesh = current();
  const addressed = new Set(mesh.serviceByAddress.values());
  const sentences: string[] = [];
  for (const { identity, subscriptions } of discovery.streams) {
    if (identity === undefined) continue;
    let services = 0;
    let rewritten = 0;
    for (const { subject } of subscriptions.values()) {
      const { target } = subject;
      if (target === undefined || target.originalDst === '') continue;
      const resolution = resolveTarget(mesh, target, identity.namespace);
      if (resolution.kind === 'service') services++;
      else if (isLedTo(mesh, resolution, addressed)) rewritten++;
    }
    if (services > 0 || rewritten < REWRITTEN_MIN) continue;
    const pod = `pod ${identity.namespace}/${identity.pod}`;
    sentences.push(`${pod} calls ${rewritten} endpoints of Services by address, and no Service`);
  }
  return sentences.toSorted();
}

function isLedTo(mesh: Mesh, resolution: Resolution, addressed: ReadonlySet<Service>): boolean {
  let leads: Leads;
  if (resolution.kind === 'pod') leads = leadsToPod(mesh, resolution.pod);
  else if (resolution.kind === 'address') leads = leadsToAddress(mesh, resolution.address);
  else return false;
  return leads.get(resolution.port)?.some(({ service }) => addressed.has(service)) ?? false;
}

interface Sides {
  /** Requests that callers' sidecars had an answer to. */
  called: number;
  /** Requests and connections' bytes that its own sidecars saw. */
  seen: number;
  /** Of its sidecars. */
  readonly adminPorts: Set<number>;
}

/**
 * A sentence for each workload that answered its callers' sidecars while its own, which all report,
 * saw nothing come in: connections reach its pods past them.
 */
export function findPassedBy(view: Reported): string[] {
  const sides = new Map<string, Sides>();
  for (const pod of view.mesh().pods.values()) {
    if (pod.phase === 'ended') continue;
    const key = workloadKey(pod);
    const side = sides.get(key) ?? { called: 0, seen: 0, adminPorts: new Set() };
    sides.set(key, side);
    for (const { name, port } of pod.ports) if (name === ADMIN_PORT_NAME) side.adminPorts.add(port);
  }
  // Of a workload that any of its pods says nothing of, nothing can be said.
  for (const pod of view.mesh().pods.values()) {
    if (pod.phase !== 'ended' && !tellsAll(view, pod)) sides.delete(workloadKey(pod));
  }
  addTraffic(view, sides);
  return [...sides]
    .filter(([, { called, seen }]) => called >= UNSEEN_MIN && seen === 0)
    .map(
      ([workload, { called }]) =>
        `${workload} answered ${called} requests in the last minute that its own sidecars did not see`,
    )
    .toSorted();
}

/** Everything that comes to the pod should come by way of its sidecar, and that reports. */
const tellsAll = ({ telemetry }: Reported, pod: Pod): boolean =>
  pod.meshed &&
  pod.skippedInbound.length === 0 &&
  silenceOf(telemetry, pod.namespace, pod.name) === undefined;

function addTraffic({ telemetry }: Reported, sides: ReadonlyMap<string, Sides>): void {
  const span = windowSpan(WINDOW_SECONDS, telemetry.nowMs, telemetry.startedAtMs);
  for (const { definition, recent, reporter } of telemetry.series) {
    const inbound = definition.direction === Direction.DIRECTION_INBOUND;
    const { dstNamespace: namespace, dstWorkload: workload } = definition;
    const called = { namespace, workload, workloadKind: definition.dstWorkloadKind };
    const side = sides.get(workloadKey(inbound ? reporter.owner : called));
    if (side === undefined || (!inbound && isOfSidecar(side, definition))) continue;
    const totals = noTotals();
    recent.addTo(totals, span);
    if (!inbound) side.called += totals.success;
    else {
      const { cancelled, failure, readBytes, success, writeBytes } = totals;
      side.seen += cancelled + failure + readBytes + success + writeBytes;
    }
  }
}

/** Who reads the metrics of sidecars calls them by the pods' addresses, past the pods' own rules. */
const isOfSidecar = (
  { adminPorts }: Sides,
  { dstPort, dstService }: Pick<SeriesDefinition, 'dstPort' | 'dstService'>,
): boolean => dstService === '' && adminPorts.has(dstPort);

const noTotals = (): WindowTotals => ({
  success: 0,
  failure: 0,
  cancelled: 0,
  readBytes: 0,
  writeBytes: 0,
  latency: new Float64Array(LATENCY_SLOTS),
});

/** "deployment demo/web". */
const workloadKey = ({
  namespace,
  workload,
  workloadKind,
}: Pick<Pod, 'namespace' | 'workload' | 'workloadKind'>): string =>
  `${workloadKind} ${namespace}/${workload}`;
