/** Kubernetes resources of a small mesh, all in the namespace `demo`. */

export const NAMESPACE = 'demo';

/** A pod as a Service's endpoint: where its sidecar listens. */
export interface PodAddress {
  readonly pod: string;
  /** "127.0.0.1:4143" */
  readonly inbound: string;
}

const metadata = (name: string, more: object = {}): object => ({
  namespace: NAMESPACE,
  name,
  ...more,
});

/** The Deployment `name`; its pods have the label `app`. */
export function deploymentResource(name: string): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main' }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(name),
    spec: { selector: { matchLabels: labels }, template },
  };
}

/** A meshed pod of the Deployment `workload`. */
export function podResource(workload: string, pod: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(pod, {
      labels: { app: workload, 'culvert.dev/control-plane-ns': 'culvert' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: workload, controller: true },
      ],
    }),
    spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 80 }] }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

/** The Service `name` on port 80 with exactly these endpoints, a slice each: ports differ. */
export function serviceResources(name: string, pods: readonly PodAddress[]): readonly object[] {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(name),
    spec: { ports: [{ name: 'http', port: 80 }] },
  };
  const labels = { 'kubernetes.io/service-name': name };
  const slice = (suffix: string, port: number, endpoints: readonly object[]): object => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadata(`${name}-${suffix}`, { labels }),
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints,
  });
  // The empty slice says that there are none, where a selector would be asked otherwise.
  return [
    service,
    slice('none', 80, []),
    ...pods.map(({ pod, inbound }) => {
      const [address = '', port] = inbound.split(':');
      return slice(pod, Number(port), [
        {
          addresses: [address],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', namespace: NAMESPACE, name: pod },
        },
      ]);
    }),
  ];
}
