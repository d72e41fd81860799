/**
 * What goes wrong where the kernel hands connections to sidecars: each finding is one that a sidecar
 * or the controller has seen happen. Rules that nobody has used yet are nobody's evidence.
 */
import type { PodSummary } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { hasPort, parsePortList } from '../../base/port-list.ts';
import { formatDuration } from '../duration.ts';
import { INTERCEPTION, readResults } from './api-checks.ts';
import type { Check, CheckContext, CheckReport, Finding, PastConnections } from './check.ts';
import { leastOf, sumOf } from './metrics-samples.ts';

/** Of the kernel's table of connections: from here on it is about to be full. */
const CONNTRACK_SHARE_WARNING = 0.8;
const CONNTRACK_SHARE_FAILED = 0.95;

/** What was longer ago was put right, or somebody only tried. */
const RECENT_SECONDS = 300;

interface SidecarPage {
  /** "namespace/pod". */
  readonly pod: string;
  readonly text: string;
}

interface SidecarPages {
  /** Sidecars that say where their admin port is. */
  readonly asked: number;
  /** Those that can be had: of sidecars that are away, other checks tell. */
  readonly pages: readonly SidecarPage[];
}

/** Read once for all checks of a run. */
const pagesOfContext = new WeakMap<CheckContext, Promise<SidecarPages>>();

function pagesOf(context: CheckContext): Promise<SidecarPages> {
  const known = pagesOfContext.get(context);
  if (known !== undefined) return known;
  const pages = readPages(context);
  pagesOfContext.set(context, pages);
  return pages;
}

/** Pods whose sidecars say where their admin port is. */
async function askedPods({ api, namespace }: CheckContext): Promise<readonly PodSummary[]> {
  const { pods } = await api.listPods(namespace);
  return pods.filter((pod) => pod.meshed && !pod.terminating && pod.adminAddress !== '');
}

const nameOf = ({ name, namespace }: PodSummary): string => `${namespace}/${name}`;

async function readPages(context: CheckContext): Promise<SidecarPages> {
  const read = async (pod: PodSummary): Promise<SidecarPage[]> => {
    const text = await context.metrics(pod.adminAddress);
    return text === undefined ? [] : [{ pod: nameOf(pod), text }];
  };
  const asked = await askedPods(context);
  return { asked: asked.length, pages: (await Promise.all(asked.map(read))).flat() };
}

/** A check of every sidecar's metrics; `fault` says what is wrong with one. */
function sidecarCheck(
  { id, description, hint }: Pick<Check, 'id' | 'description' | 'hint'>,
  fault: (page: string) => Omit<Finding, 'hint'> | undefined,
): Check {
  const run = async (context: CheckContext): Promise<readonly Finding[] | CheckReport> => {
    const { asked, pages } = await pagesOf(context);
    if (asked > 0 && pages.length === 0) return notAsked(id, description);
    return pages.flatMap(({ pod, text }) => {
      const found = fault(text);
      return found === undefined ? [] : [{ ...found, problem: `${pod}: ${found.problem}` }];
    });
  };
  return { id, description, hint, dataPlane: true, run };
}

const notAsked = (id: string, description: string): CheckReport => {
  const problem = "not checked: no sidecar's admin port can be reached from here";
  return { results: [{ id, description, status: 'skipped', problem, hint: '' }] };
};

/** Of failures that were counted, while the latest is recent; older sidecars do not say when. */
function recentErrors(
  page: string,
  error: string,
  labels: Readonly<Record<string, string>> = {},
): string | undefined {
  const count = sumOf(page, 'proxy_errors_total', { ...labels, error });
  const age = leastOf(page, 'proxy_error_age_seconds', { ...labels, error });
  if (count === 0 || (age !== undefined && age > RECENT_SECONDS)) return undefined;
  const last = age === undefined ? '' : `, the last ${formatDuration(Math.round(age))} ago`;
  return `${count} since its sidecar started${last}`;
}

const PAST_ID = 'interception.past-sidecar';
const PAST_DESCRIPTION = 'connections of pods go through their sidecars';

/** What is open past sidecars, but for the ports that pods say they skip. */
async function findPast(context: CheckContext): Promise<readonly Finding[] | CheckReport> {
  const pods = await askedPods(context);
  const told = await Promise.all(pods.map(({ adminAddress }) => context.past(adminAddress)));
  if (pods.length > 0 && told.every((past) => past === undefined)) {
    return notAsked(PAST_ID, PAST_DESCRIPTION);
  }
  return pods.flatMap((pod, i): Finding[] => {
    const past = (told[i] ?? []).filter((one) => !skips(pod, one));
    if (past.length === 0) return [];
    const problem = `${nameOf(pod)}: ${past.map(pastSentence).join(', ')} past its sidecar`;
    return [{ status: 'warning', problem }];
  });
}

const pastSentence = ({ connections, direction, port }: PastConnections): string =>
  `${connections} open ${direction === 'inbound' ? 'into its' : 'to'} port ${port}`;

function skips(pod: PodSummary, { direction, port }: PastConnections): boolean {
  const skipped = direction === 'inbound' ? pod.skippedInboundPorts : pod.skippedOutboundPorts;
  const list = parsePortList(skipped);
  return typeof list !== 'string' && hasPort(list.ranges, port);
}

/** Interception, as the controller and the sidecars see it. */
export const interceptionChecks: readonly Check[] = [
  {
    id: 'interception.controller',
    description: 'the controller sees what sidecars make of connections',
    hint: "look at the controller's log",
    dataPlane: true,
    run: async ({ api }) => {
      const { results } = await api.selfCheck();
      const own = results.filter(({ id }) => id.startsWith(INTERCEPTION));
      return { results: readResults(own, (id) => id) };
    },
  },
  {
    id: PAST_ID,
    description: PAST_DESCRIPTION,
    hint: 'are the rules in force there ("--check" of proxy-init says), and were they before the application started? What proxy-init is told to skip and the annotations of the pod do not name looks the same',
    dataPlane: true,
    run: findPast,
  },
  sidecarCheck(
    {
      id: 'interception.loops',
      description: 'no connection was handed to the sidecar that it cannot carry on',
      hint: 'does the sidecar run as the uid that proxy-init exempts, and does nobody dial its ports 4140 and 4143?',
    },
    (page) => {
      const loops = recentErrors(page, 'proxy-loop');
      if (loops === undefined) return undefined;
      return { status: 'warning', problem: `${loops}, led to the sidecar itself` };
    },
  ),
  sidecarCheck(
    {
      id: 'interception.inbound-port',
      description: 'what comes in at the inbound port is for the pod',
      hint: 'do the rules for outbound connections redirect to the inbound port? Compare the ports of proxy-init with --intercept-inbound and --intercept-outbound of the sidecar',
    },
    (page) => {
      const foreign = recentErrors(page, 'no-such-service', { direction: 'inbound' });
      if (foreign === undefined) return undefined;
      return { status: 'warning', problem: `${foreign}, were going to addresses of others` };
    },
  ),
  sidecarCheck(
    {
      id: 'interception.conntrack',
      description: 'the kernel has room for more connections',
      hint: 'raise net.netfilter.nf_conntrack_max on the node; when the table is full, new connections are dropped',
    },
    (page) => {
      const entriesMax = sumOf(page, 'conntrack_entries_max');
      const entries = sumOf(page, 'conntrack_entries');
      // 0: there is no limit, or nothing tracks connections.
      if (entriesMax === 0 || entries < entriesMax * CONNTRACK_SHARE_WARNING) return undefined;
      const status = entries < entriesMax * CONNTRACK_SHARE_FAILED ? 'warning' : 'failed';
      return { status, problem: `it tracks ${entries} connections of at most ${entriesMax}` };
    },
  ),
];
