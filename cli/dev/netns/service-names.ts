/** Which addresses the names of a mesh stand for, as the DNS of Kubernetes has it. */
import type { ServiceSpec } from '../manifest.ts';
import type { StandingPod } from '../mesh-place.ts';
import { selects } from '../pod-plan.ts';
import { CLASS_IN, RCODE, TYPE_A, TYPE_ANY } from './dns-message.ts';
import type { Question, Reply } from './dns-message.ts';
import { CLUSTER_DOMAIN } from './pod-files.ts';

const NO_SUCH_NAME: Reply = { rcode: RCODE.noSuchName, addresses: [] };
const NO_ADDRESS: Reply = { rcode: RCODE.ok, addresses: [] };

/** Answers for the services of a run. */
export class ServiceNames {
  /** By whole name: the address of the service, or nothing when its pods' stand for it. */
  readonly #services = new Map<string, readonly [ServiceSpec, string | undefined]>();
  /** Every name that others end with: they are there, though nothing is at them. */
  readonly #parents = new Set<string>([CLUSTER_DOMAIN, `svc.${CLUSTER_DOMAIN}`]);
  readonly #pods: () => readonly StandingPod[];

  /** `clusterIps`: one for each service, undefined where it is headless. */
  constructor(
    services: readonly ServiceSpec[],
    clusterIps: readonly (string | undefined)[],
    pods: () => readonly StandingPod[],
  ) {
    this.#pods = pods;
    for (const [k, service] of services.entries()) {
      const parent = `${service.namespace}.svc.${CLUSTER_DOMAIN}`;
      this.#parents.add(parent);
      this.#services.set(`${service.name}.${parent}`, [service, clusterIps[k]]);
    }
  }

  /**
   * The answer to a question. Names outside the cluster's domain do not exist here: pods reach the
   * mesh and the machine, and a quick no is better than a wait.
   */
  answer({ class: asked, name, type }: Question): Reply {
    const found = this.#services.get(name);
    if (found === undefined) return this.#parents.has(name) ? NO_ADDRESS : NO_SUCH_NAME;
    if (asked !== CLASS_IN || (type !== TYPE_A && type !== TYPE_ANY)) return NO_ADDRESS;
    const [service, clusterIp] = found;
    const addresses = clusterIp === undefined ? this.#addressesOf(service) : [clusterIp];
    return { rcode: RCODE.ok, addresses };
  }

  #addressesOf(service: ServiceSpec): readonly string[] {
    return this.#pods()
      .filter(({ plan, ready }) => ready && selects(service, plan))
      .map(({ plan }) => plan.address);
  }
}
