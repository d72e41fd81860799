import type { ServiceSpec } from '../manifest.ts';
import type { NamedResource } from '../pod-resources.ts';

/**
 * What tells the controller of the addresses that `dev` gave to services, as the API server of
 * Kubernetes records them (networking.k8s.io/v1, IPAddress). Services that say theirs need none.
 * `clusterIps`: one for each service, undefined where it is headless.
 */
export function addressResources(
  services: readonly ServiceSpec[],
  clusterIps: readonly (string | undefined)[],
): readonly NamedResource[] {
  return services.flatMap((service, k) => {
    const address = clusterIps[k];
    if (address === undefined || service.clusterIp !== undefined) return [];
    const { name, namespace } = service;
    return [
      {
        file: `ipaddress.${address}`,
        resource: {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'IPAddress',
          metadata: { name: address },
          spec: { parentRef: { group: '', resource: 'services', namespace, name } },
        },
      },
    ];
  });
}
