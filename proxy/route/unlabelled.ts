/** Destinations without a control plane's labels: given on the command line, or found in DNS. */
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
