import type { PodSummary } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { versionsFit } from './api-checks.ts';
import type { Check, CheckContext, Finding } from './check.ts';

const nameOf = ({ namespace, name }: PodSummary): string => `${namespace}/${name}`;

/** One finding for every running meshed pod of which `fault` says something. */
async function findInPods(
  { api, namespace }: CheckContext,
  status: Finding['status'],
  fault: (pod: PodSummary) => string | undefined,
): Promise<readonly Finding[]> {
  const { pods } = await api.listPods(namespace);
  return pods
    .filter(({ meshed, terminating }) => meshed && !terminating)
    .flatMap((pod) => {
      const problem = fault(pod);
      return problem === undefined ? [] : [{ status, problem: `${nameOf(pod)}: ${problem}` }];
    });
}

/** The sidecars, as the controller sees them. */
export const proxyChecks: readonly Check[] = [
  {
    id: 'proxies.exist',
    description: 'there are meshed pods',
    hint: 'run workloads with "meshctl dev -f MANIFEST"; look in other namespaces without -n',
    dataPlane: true,
    run: async ({ api, namespace }) => {
      const { pods } = await api.listPods(namespace);
      if (pods.some(({ meshed }) => meshed)) return [];
      const where = namespace === '' ? 'the mesh' : `the namespace "${namespace}"`;
      return [{ status: 'warning', problem: `none of the ${pods.length} pods of ${where} is` }];
    },
  },
  {
    id: 'proxies.connected',
    description: "every meshed pod's sidecar holds its control stream",
    hint: "look at the sidecar's log and at /ready on its admin port; does it reach the controller?",
    dataPlane: true,
    run: (context) =>
      findInPods(context, 'failed', ({ connected }) =>
        connected ? undefined : 'its sidecar is not connected to the controller',
      ),
  },
  {
    id: 'proxies.ready',
    description: 'every meshed pod is ready',
    hint: "is its application running and listening? Look at the application's log",
    dataPlane: true,
    run: (context) =>
      findInPods(context, 'failed', ({ ready }) => (ready ? undefined : 'it is not ready')),
  },
  {
    id: 'proxies.reporting',
    description: 'every connected sidecar reports its traffic',
    hint: "without reports stat shows no traffic: look for telemetry lines in the sidecar's log",
    dataPlane: true,
    run: (context) =>
      // How much silence is too much is the controller's to say.
      findInPods(context, 'failed', ({ reporting, reportAgeMs }) => {
        if (reporting !== false) return undefined;
        if (reportAgeMs === undefined) return 'its sidecar has never reported';
        return `its sidecar's last report is ${Math.round(reportAgeMs / 1_000)} s old`;
      }),
  },
  {
    id: 'proxies.version',
    description: 'sidecars fit the controller',
    hint: 'restart the pods with the sidecar of the controller’s version',
    dataPlane: true,
    run: async (context) => {
      const { version } = await context.api.version();
      return findInPods(context, 'warning', ({ connected, proxyVersion }) =>
        !connected || versionsFit(proxyVersion, version)
          ? undefined
          : `its sidecar is ${proxyVersion}, the controller ${version}`,
      );
    },
  },
];
