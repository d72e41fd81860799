/** Destinations without a control plane's labels: given on the command line, or found in DNS. */
import type { SocketAddress } from '../../base/settings.ts';
import type { DestinationResource } from '../model/destination.ts';
import { NO_OWNER } from '../model/endpoint.ts';

/** A destination of plain addresses, all ready. `service` is empty where nothing names one. */
export function unlabelledDestination(
  authority: string,
  service: string,
  port: number,
  addresses: readonly SocketAddress[],
): DestinationResource {
  const endpoints = addresses.map(({ host, port }) => ({
    id: `${host}:${port}`,
    host,
    port,
    weight: 1,
    zone: '',
    ready: true,
    terminating: false,
    meshed: false,
    owner: NO_OWNER,
  }));
  return { authority, service, namespace: '', port, endpoints, routes: [] };
}
