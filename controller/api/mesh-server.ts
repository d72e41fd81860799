/** The Mesh service: the public API that meshctl, the dashboard and other tools share. */
import { status } from '@grpc/grpc-js';
import type { handleUnaryCall } from '@grpc/grpc-js';

import type { MeshServer, PodSummary } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { formatPortList } from '../../base/port-list.ts';
import type { ControllerView } from '../controller-view.ts';
import { ADMIN_PORT_NAME } from '../discovery/endpoints.ts';
import { hostPort } from '../resources/ip-address.ts';
import { resourceKey } from '../resources/resource.ts';
import type { Pod } from '../resources/resource.ts';
import { listEndpoints } from './list-endpoints.ts';
import { silenceOf } from './reporting.ts';
import { connectedPods, selfCheck } from './self-check.ts';
import { statSummary } from './stat-summary.ts';
import type { InvalidRequest } from './stat-question.ts';
import type { MissingResource } from './stat-summary.ts';

/** `now` gives milliseconds since 1970. */
export function meshHandlers(view: ControllerView, now: () => number): MeshServer {
  return {
    version: answer(() => ({
      version: view.version,
      runtime: `Node.js ${process.versions.node}`,
      startedAtUs: view.startedAtUs,
    })),
    selfCheck: answer(() => ({ results: selfCheck(view) })),
    listPods: answer(({ namespace }) => ({ pods: listPods(view, namespace) })),
    listEndpoints: answer((request) => listEndpoints(request, view.mesh())),
    statSummary: answer((request) => statSummary(request, view.mesh(), view.telemetry, now())),
  };
}

/** A handler from a plain function: an answer, or why the request has none. */
function answer<Request, Response extends object>(
  respond: (request: Request) => Response | InvalidRequest | MissingResource,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const response = respond(call.request);
    if ('invalid' in response) {
      callback({ code: status.INVALID_ARGUMENT, details: response.invalid });
    } else if ('missing' in response) {
      callback({ code: status.NOT_FOUND, details: response.missing });
    } else callback(null, response);
  };
}

/** Sorted by namespace and name; an empty `namespace` means all. */
function listPods(view: ControllerView, namespace: string): PodSummary[] {
  const connected = connectedPods(view);
  return [...view.mesh().pods]
    .filter(([, pod]) => namespace === '' || pod.namespace === namespace)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, pod]) => {
      const { telemetry } = view;
      const proxy = connected.get(resourceKey(pod.namespace, pod.name));
      return {
        namespace: pod.namespace,
        name: pod.name,
        address: pod.addresses[0] ?? '',
        workloadKind: pod.workloadKind,
        workload: pod.workload,
        ready: pod.ready,
        terminating: pod.terminating,
        meshed: pod.meshed,
        connected: proxy !== undefined,
        proxyVersion: proxy?.proxyVersion ?? '',
        reportAgeMs: telemetry.reportAgeMs(pod.namespace, pod.name),
        adminAddress: adminAddressOf(pod),
        reporting: proxy && silenceOf(telemetry, pod.namespace, pod.name) === undefined,
        skippedInboundPorts: formatPortList(pod.skippedInbound),
        // A pod declares nothing else of ports that it dials.
        skippedOutboundPorts: formatPortList(pod.declaredOutbound),
      };
    });
}

function adminAddressOf({ addresses, ports }: Pod): string {
  const [address] = addresses;
  const port = ports.find(({ name }) => name === ADMIN_PORT_NAME)?.port;
  return address === undefined || port === undefined ? '' : hostPort(address, port);
}
