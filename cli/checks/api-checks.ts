import { CheckStatus as ApiCheckStatus } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { CheckResult as ApiCheckResult } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { Check, CheckResult, CheckStatus } from './check.ts';

const STATUS: Readonly<Record<number, CheckStatus>> = {
  [ApiCheckStatus.CHECK_STATUS_OK]: 'ok',
  [ApiCheckStatus.CHECK_STATUS_WARNING]: 'warning',
  [ApiCheckStatus.CHECK_STATUS_FAILED]: 'failed',
};

/** Minor versions that may differ between programs of one mesh. */
const SKEW_MINOR_MAX = 1;

/** Whether two versions, as "0.1.0", are at most one minor version apart. */
export function versionsFit(a: string, b: string): boolean {
  const [majorA, minorA] = a.split('.').map(Number);
  const [majorB, minorB] = b.split('.').map(Number);
  return majorA === majorB && Math.abs((minorA ?? 0) - (minorB ?? 0)) <= SKEW_MINOR_MAX;
}

/** Of the controller's own checks those that are part of `check --proxy` too: their ids begin so. */
export const INTERCEPTION = 'interception.';

/** What the controller found, under the ids that `idOf` makes of its own. */
export const readResults = (
  results: readonly ApiCheckResult[],
  idOf: (id: string) => string,
): CheckResult[] =>
  results.map(({ id, description, status, problem, hint }) => ({
    id: idOf(id),
    description,
    status: STATUS[status] ?? 'warning',
    problem,
    hint,
  }));

/** The API and the controller behind it. */
export const apiChecks: readonly Check[] = [
  {
    id: 'api.reachable',
    description: 'the mesh API answers',
    hint: 'start a mesh with "npm start", or say where it is with --api ADDRESS:PORT',
    dataPlane: true,
    essential: true,
    run: async ({ api }) => {
      await api.version();
      return [];
    },
  },
  {
    id: 'api.version',
    description: 'meshctl and the controller fit each other',
    hint: 'use the meshctl of the checkout that the controller was started from',
    dataPlane: false,
    run: async ({ api, clientVersion }) => {
      const { version } = await api.version();
      if (versionsFit(clientVersion, version)) return [];
      const problem = `meshctl is ${clientVersion}, the controller is ${version}: more than one minor version apart`;
      return [{ status: 'failed', problem }];
    },
  },
  {
    id: 'controller.self',
    description: 'the controller can check itself',
    hint: "look at the controller's log",
    dataPlane: false,
    run: async ({ api }) => {
      const { results } = await api.selfCheck();
      const own = results.filter(({ id }) => !id.startsWith(INTERCEPTION));
      return { results: readResults(own, (id) => `controller.${id}`) };
    },
  },
];
