/** Service (v1) and EndpointSlice (discovery.k8s.io/v1). */
import type { Fields, TextShape } from './fields.ts';
import { DNS_LABEL, SUBDOMAIN, show } from './fields.ts';
import { canonicalAddress } from './ip-address.ts';
import type { Place } from './pod.ts';
import { readServiceDeclarations } from './port-annotations.ts';
import { resourceKey } from './resource.ts';
import type { EndpointSlice, Service, ServicePort, SliceEndpoint, SlicePort } from './resource.ts';

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const HEADLESS = 'None';
/** Annotation of a Service: what HTTP/1.1 requests to it ride on between sidecars. */
const HTTP1_TRANSPORT = 'config.culvert.dev/http1-transport';
const HTTP1_TRANSPORTS: TextShape = { pattern: /^http[12]$/, words: 'http1 or http2' };

/** Reads a Service; what is wrong is noted in the fields. */
export function readService(place: Place, top: Fields): Service {
  if (top.value('spec') === undefined) top.refuse('spec', 'is missing, must be an object');
  const spec = top.object('spec');
  const type = spec.text('type') ?? 'ClusterIP';
  const clusterIp = spec.text('clusterIP');
  const externalName = spec.text('externalName');
  const listed = spec.objects('ports');
  const ports = listed.flatMap((port) => readServicePort(port, listed.length > 1));
  const annotations = top.object('metadata').object('annotations');
  return {
    kind: 'Service',
    ...place,
    selector: spec.labels('selector'),
    ports,
    clusterAddresses: readClusterAddresses(spec, clusterIp),
    headless: clusterIp === HEADLESS,
    externalName: type === 'ExternalName' ? externalName : undefined,
    publishNotReadyAddresses: spec.flag('publishNotReadyAddresses') ?? false,
    http1Transport: annotations.text(
      HTTP1_TRANSPORT,
      HTTP1_TRANSPORTS,
    ) as Service['http1Transport'],
    declared: readServiceDeclarations(annotations, ports),
  };
}

function readServicePort(fields: Fields, named: boolean): ServicePort[] {
  const port = fields.requiredInteger('port', 1, 65_535);
  const name = named ? fields.requiredText('name', DNS_LABEL) : fields.text('name', DNS_LABEL);
  const protocol = fields.text('protocol') ?? 'TCP';
  const given = fields.value('targetPort');
  const targetPort =
    typeof given === 'string'
      ? fields.text('targetPort', DNS_LABEL)
      : fields.integer('targetPort', 1, 65_535);
  if (port === undefined || protocol !== 'TCP') return [];
  const appProtocol = fields.text('appProtocol');
  return [{ name: name ?? '', port, targetPort: targetPort ?? port, appProtocol }];
}

function readClusterAddresses(spec: Fields, clusterIp: string | undefined): string[] {
  const addresses = new Set<string>();
  const add = (text: string, name: string): void => {
    if (text === HEADLESS || text === '') return;
    const address = canonicalAddress(text);
    if (address === undefined) spec.refuse(name, `must be an IP address or None, is ${show(text)}`);
    else addresses.add(address);
  };
  if (clusterIp !== undefined) add(clusterIp, 'clusterIP');
  for (const text of spec.texts('clusterIPs')) add(text, 'clusterIPs');
  return [...addresses];
}

/** Reads an EndpointSlice; what is wrong is noted in the fields. */
export function readEndpointSlice(place: Place, top: Fields): EndpointSlice {
  const labels = top.object('metadata').labels('labels');
  const addressType = top.requiredText('addressType', {
    pattern: /^(IPv4|IPv6|FQDN)$/,
    words: 'IPv4, IPv6 or FQDN',
  });
  return {
    kind: 'EndpointSlice',
    ...place,
    service: labels.get(SERVICE_NAME_LABEL),
    // A slice with another type has a problem noted and is not used.
    addressType: (addressType ?? 'FQDN') as EndpointSlice['addressType'],
    ports: top.objects('ports').flatMap(readSlicePort),
    endpoints: top
      .objects('endpoints')
      .flatMap((endpoint) => readSliceEndpoint(place, endpoint, addressType === 'FQDN')),
  };
}

function readSlicePort(fields: Fields): SlicePort[] {
  const port = fields.integer('port', 1, 65_535);
  const name = fields.text('name') ?? '';
  const appProtocol = fields.text('appProtocol');
  return (fields.text('protocol') ?? 'TCP') === 'TCP' ? [{ name, port, appProtocol }] : [];
}

function readSliceEndpoint(place: Place, fields: Fields, named: boolean): SliceEndpoint[] {
  // All addresses of one endpoint reach the same pod: the first is enough.
  const text = fields.texts('addresses')[0];
  if (text === undefined) {
    fields.refuse('addresses', 'must hold one address at least');
    return [];
  }
  const address = named ? text : canonicalAddress(text);
  if (address === undefined) {
    fields.refuse('addresses', `must hold IP addresses, holds ${show(text)}`);
    return [];
  }
  const conditions = fields.object('conditions');
  const reference = fields.object('targetRef');
  const pod = reference.text('kind') === 'Pod' ? reference.text('name', SUBDOMAIN) : undefined;
  const namespace = reference.text('namespace', DNS_LABEL) ?? place.namespace;
  return [
    {
      address,
      ready: conditions.flag('ready') ?? true,
      terminating: conditions.flag('terminating') ?? false,
      pod: pod === undefined ? undefined : resourceKey(namespace, pod),
      zone: fields.text('zone') ?? '',
    },
  ];
}
