/**
 * What goes wrong where the kernel hands connections to sidecars: each finding is one that a sidecar
 * or the controller has seen happen. Rules that nobody has used yet are nobody's evidence.
 */
import type { PodSummary } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { INTERCEPTION, readResults } from './api-checks.ts';
import type { Check, CheckContext, CheckReport, Finding } from './check.ts';
import { sumOf } from './metrics-samples.ts';

/** Of the kernel's table of connections: from here on it is about to be full. */
const CONNTRACK_SHARE_WARNING = 0.8;
const CONNTRACK_SHARE_FAILED = 0.95;

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

async function readPages({ api, namespace, metrics }: CheckContext): Promise<SidecarPages> {
  const { pods } = await api.listPods(namespace);
  const read = async (pod: PodSummary): Promise<SidecarPage[]> => {
    const text = await metrics(pod.adminAddress);
    return text === undefined ? [] : [{ pod: `${pod.namespace}/${pod.name}`, text }];
  };
  const asked = pods.filter((pod) => pod.meshed && !pod.terminating && pod.adminAddress !== '');
  return { asked: asked.length, pages: (await Promise.all(asked.map(read))).flat() };
}

/** A check of every sidecar's metrics; `fault` says what is wrong with one. */
function sidecarCheck(
  { id, description, hint }: Pick<Check, 'id' | 'description' | 'hint'>,
  fault: (page: string) => Omit<Finding, 'hint'> | undefined,
): Check {
  const run = async (context: CheckContext): Promise<readonly Finding[] | CheckReport> => {
    const { asked, pages } = await pagesOf(context);
    if (asked > 0 && pages.length === 0) {
      const problem = "not checked: no sidecar's admin port can be reached from here";
      return { results: [{ id, description, status: 'skipped', problem, hint: '' }] };
    }
    return pages.flatMap(({ pod, text }) => {
      const found = fault(text);
      return found === undefined ? [] : [{ ...found, problem: `${pod}: ${found.problem}` }];
    });
  };
  return { id, description, hint, dataPlane: true, run };
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
  sidecarCheck(
    {
      id: 'interception.loops',
      description: 'no connection was handed to the sidecar that it cannot carry on',
      hint: 'does the sidecar run as the uid that proxy-init exempts, and does nobody dial its ports 4140 and 4143?',
    },
    (page) => {
      const loops = sumOf(page, 'proxy_errors_total', { error: 'proxy-loop' });
      if (loops === 0) return undefined;
      const problem = `${loops} since its sidecar started led to the sidecar itself`;
      return { status: 'warning', problem };
    },
  ),
  sidecarCheck(
    {
      id: 'interception.inbound-port',
      description: 'what comes in at the inbound port is for the pod',
      hint: 'do the rules for outbound connections redirect to the inbound port? Compare the ports of proxy-init with --intercept-inbound and --intercept-outbound of the sidecar',
    },
    (page) => {
      const labels = { direction: 'inbound', error: 'no-such-service' };
      const foreign = sumOf(page, 'proxy_errors_total', labels);
      if (foreign === 0) return undefined;
      const problem = `${foreign} since its sidecar started were going to addresses of others`;
      return { status: 'warning', problem };
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
