/** Pod (v1) and the workloads that own pods (apps/v1, batch/v1). */
import type { Fields } from './fields.ts';
import { SUBDOMAIN } from './fields.ts';
import { canonicalAddress } from './ip-address.ts';
import { readPodDeclarations } from './port-annotations.ts';
import type { ContainerPort, Pod, PodPhase, Workload } from './resource.ts';

/** The label that says a pod has a sidecar of this mesh. */
const MESHED_LABEL = 'culvert.dev/control-plane-ns';

/** Where a resource is; read before its kind is. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** Reads what owns pods; what is wrong is noted in the fields. */
export function readWorkload(kind: Workload['kind'], place: Place, top: Fields): Workload {
  const spec = top.object('spec');
  spec.integer('replicas', 0, 1_000_000);
  // Its pods would be refused for them, where nobody wrote them.
  const template = spec.object('template');
  const annotations = template.object('metadata').object('annotations');
  readPodDeclarations(annotations, readContainerPorts(template.object('spec')));
  return { kind, ...place };
}

/** Reads a Pod; what is wrong is noted in the fields. */
export function readPod(place: Place, top: Fields): Pod {
  const metadata = top.object('metadata');
  const labels = metadata.labels('labels');
  const spec = top.object('spec');
  const status = top.object('status');
  const ports = readContainerPorts(spec);
  return {
    kind: 'Pod',
    ...place,
    labels,
    addresses: readAddresses(status),
    ports,
    hostNetwork: spec.flag('hostNetwork') ?? false,
    ready: status
      .objects('conditions')
      .some(
        (condition) => condition.text('type') === 'Ready' && condition.text('status') === 'True',
      ),
    terminating: metadata.text('deletionTimestamp') !== undefined,
    phase: readPhase(status),
    meshed: labels.has(MESHED_LABEL),
    ...readOwner(place, metadata, labels),
    ...readPodDeclarations(metadata.object('annotations'), ports),
  };
}

const readContainerPorts = (spec: Fields): ContainerPort[] => [
  ...spec.objects('containers').flatMap(readPorts),
  ...spec.objects('initContainers').flatMap(readPorts),
];

function readPorts(container: Fields): ContainerPort[] {
  return container.objects('ports').flatMap((port) => {
    const number = port.requiredInteger('containerPort', 1, 65_535);
    const tcp = (port.text('protocol') ?? 'TCP') === 'TCP';
    const name = port.text('name');
    return number !== undefined && tcp ? [{ name, port: number }] : [];
  });
}

/** `podIP` and `podIPs`, each address once. */
function readAddresses(status: Fields): string[] {
  const addresses = new Set<string>();
  const add = (fields: Fields, name: string): void => {
    const text = fields.text(name);
    // Kubernetes writes an empty text before the pod has an address.
    if (text === undefined || text === '') return;
    const address = canonicalAddress(text);
    if (address === undefined) fields.refuse(name, `must be an IP address, is "${text}"`);
    else addresses.add(address);
  };
  add(status, 'podIP');
  for (const item of status.objects('podIPs')) add(item, 'ip');
  return [...addresses];
}

/** Without a phase, a pod runs once it has an address. */
function readPhase(status: Fields): PodPhase {
  switch (status.text('phase')) {
    case 'Succeeded':
    case 'Failed':
      return 'ended';
    case 'Pending':
      return 'pending';
    case undefined:
      return status.value('podIP') === undefined ? 'pending' : 'running';
    default:
      return 'running';
  }
}

function readOwner(
  place: Place,
  metadata: Fields,
  labels: ReadonlyMap<string, string>,
): Pick<Pod, 'workloadKind' | 'workload'> {
  const references = metadata.objects('ownerReferences');
  const owner = references.find((one) => one.flag('controller') === true) ?? references[0];
  const kind = owner?.requiredText('kind');
  const name = owner?.requiredText('name', SUBDOMAIN);
  if (kind === undefined || name === undefined) {
    return { workloadKind: 'pod', workload: place.name };
  }
  const deployment = kind === 'ReplicaSet' ? deploymentOfReplicaSet(name, labels) : undefined;
  return deployment === undefined
    ? { workloadKind: kind.toLowerCase(), workload: name }
    : { workloadKind: 'deployment', workload: deployment };
}

/**
 * A Deployment names its ReplicaSets "<deployment>-<hash>" and labels their pods with the hash;
 * where the label is missing, the alphabet Kubernetes hashes with has to do.
 */
function deploymentOfReplicaSet(
  name: string,
  labels: ReadonlyMap<string, string>,
): string | undefined {
  const hash = labels.get('pod-template-hash');
  if (hash !== undefined && name.endsWith(`-${hash}`)) return name.slice(0, -hash.length - 1);
  return /^(.+)-[bcdfghjklmnpqrstvwxz2456789]{5,10}$/.exec(name)?.[1];
}
