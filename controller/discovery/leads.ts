/**
 * Which Services lead to a port of a pod, or of an address that no pod has. What they say of it holds
 * as well for who dials that address itself: as clients of headless Services do, and as all
 * connections look where a balancer on the node has put an endpoint in the place of the Service
 * before the sidecar sees them.
 */
import type { Endpoint } from '../../api/gen/culvert/proxy/v1/control.ts';
import { resourceKey } from '../resources/resource.ts';
import type { Pod, Service, ServicePort } from '../resources/resource.ts';
import type { Mesh } from '../state.ts';
import { everyEndpointOf } from './endpoints.ts';

/** One port of a Service and the endpoint that it leads to. */
export interface Lead {
  readonly service: Service;
  readonly servicePort: ServicePort;
  readonly endpoint: Endpoint;
}

/** By the endpoint's port. */
export type Leads = ReadonlyMap<number, readonly Lead[]>;

const NO_LEADS: Leads = new Map();

/** To the ports of a pod, whatever the family of the address that a Service names it by. */
export const leadsToPod = (mesh: Mesh, { namespace, name }: Pod): Leads =>
  leadsOf(mesh).get(resourceKey(namespace, name)) ?? NO_LEADS;

/** To the ports of an address that no pod has. */
export const leadsToAddress = (mesh: Mesh, address: string): Leads =>
  leadsOf(mesh).get(address) ?? NO_LEADS;

/** By "namespace/name" of the pod, or by address; made once for all who ask of a mesh. */
const leadsOfMesh = new WeakMap<Mesh, ReadonlyMap<string, Leads>>();

function leadsOf(mesh: Mesh): ReadonlyMap<string, Leads> {
  const known = leadsOfMesh.get(mesh);
  if (known !== undefined) return known;
  const all = new Map<string, Map<number, Lead[]>>();
  for (const service of mesh.services.values()) {
    for (const servicePort of service.ports) {
      for (const endpoint of everyEndpointOf(mesh, service, servicePort)) {
        addLead(all, { service, servicePort, endpoint });
      }
    }
  }
  leadsOfMesh.set(mesh, all);
  return all;
}

function addLead(all: Map<string, Map<number, Lead[]>>, lead: Lead): void {
  const { owner, address, port } = lead.endpoint;
  const key = owner === undefined ? address : resourceKey(owner.namespace, owner.pod);
  const ports = all.get(key) ?? new Map<number, Lead[]>();
  all.set(key, ports);
  const leads = ports.get(port);
  if (leads === undefined) ports.set(port, [lead]);
  else leads.push(lead);
}

/** What all of `values` are; undefined when there is none, or when they differ. */
export function agreed<T>(values: readonly T[]): T | undefined {
  const [first] = values;
  return values.every((value) => value === first) ? first : undefined;
}
