/** Destinations without a control plane's labels: given on the command line, or found in DNS. */
import { type SocketAddress, formatSocketAddress } from '../../base/settings.ts';
import type { DestinationResource } from '../model/destination.ts';
import { NO_OWNER, type UpstreamAddress } from '../model/endpoint.ts';

/** A destination of plain addresses, all ready. `service` is empty where nothing names one. */
export function unlabelledDestination(
  authority: string,
  service: string,
  port: number,
  addresses: readonly UpstreamAddress[],
): DestinationResource {
  const endpoints = addresses.map(({ host, meshed = false, port, protocol }) => ({
    id: `${host}:${port}`,
    host,
    port,
    weight: 1,
    zone: '',
    ready: true,
    terminating: false,
    meshed,
    protocol,
    owner: NO_OWNER,
  }));
  return { authority, service, namespace: '', port, endpoints, routes: [] };
}

/**
 * An address that is no service's, as the destination of the connections that were going there. The
 * endpoint is not that of a service which has the address at another time: it is dialled otherwise.
 */
export function outsideDestination(address: SocketAddress): DestinationResource {
  const name = formatSocketAddress(address);
  const resource = unlabelledDestination(name, '', address.port, [address]);
  const endpoints = resource.endpoints.map((one) => ({
    ...one,
    id: `outside ${one.id}`,
    outside: true,
  }));
  return { ...resource, endpoints, outside: true };
}
