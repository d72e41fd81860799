/** What `dev` prints when the mesh is up. */
import { formatSocketAddress } from '../../base/settings.ts';
import { renderTable } from '../render/table.ts';
import type { Column } from '../render/table.ts';
import type { ControllerAddresses } from './controller-runner.ts';
import type { PodPlan } from './pod-plan.ts';

/** A pod as it stands when the summary is made. */
export interface PodStanding {
  readonly plan: PodPlan;
  readonly ready: boolean;
  readonly applicationPid: number | undefined;
  readonly sidecarPid: number | undefined;
}

/** The mesh as it stands when the summary is made. */
export interface MeshStanding {
  readonly pods: readonly PodStanding[];
  readonly controller: ControllerAddresses & { readonly pid: number | undefined };
  readonly singleAddress: boolean;
  /** Worth trying here, before what the manifest says. */
  readonly tryCommands: readonly string[];
  /** Where the state of the run is kept: gone when the run has ended. */
  readonly stateDirectory: string;
  /** A port of the API other than the default must be named to meshctl. */
  readonly apiIsDefault: boolean;
}

const COLUMNS: readonly Column<PodStanding>[] = [
  { title: 'NAMESPACE', align: 'left', cell: ({ plan }) => plan.namespace },
  { title: 'POD', align: 'left', cell: ({ plan }) => plan.name },
  { title: 'READY', align: 'left', cell: ({ ready }) => (ready ? 'yes' : 'no') },
  { title: 'ADDRESS', align: 'left', cell: ({ plan }) => inboundOf(plan) },
  { title: 'APP PID', align: 'right', cell: ({ applicationPid }) => formatPid(applicationPid) },
  { title: 'SIDECAR PID', align: 'right', cell: ({ sidecarPid }) => formatPid(sidecarPid) },
  {
    title: 'SIDECAR ADMIN',
    align: 'left',
    cell: ({ plan }) =>
      plan.admin === undefined ? 'no sidecar' : `http://${formatSocketAddress(plan.admin)}`,
  },
];

const inboundOf = ({ ports, address }: PodPlan): string =>
  ports.length === 0
    ? address
    : ports.map(({ inbound }) => formatSocketAddress(inbound)).join(', ');

const formatPid = (pid: number | undefined): string => (pid === undefined ? '-' : String(pid));

/** The table of pods, where the API is, and commands to try. */
export function renderSummary(standing: MeshStanding): string {
  const { pods, controller } = standing;
  const lines = [
    '',
    renderTable(COLUMNS, pods).trimEnd(),
    '',
    `mesh API ${formatSocketAddress(controller.api)}, API of the sidecars ${formatSocketAddress(controller.proxyApi)}, controller admin http://${formatSocketAddress(controller.admin)} (pid ${formatPid(controller.pid)})`,
  ];
  if (standing.singleAddress) {
    lines.push(
      'Everything shares the address 127.0.0.1, with ports of its own: on Linux each pod has an address.',
    );
  }
  lines.push('', 'Try, in another terminal:', ...tryCommands(standing).map((line) => `  ${line}`));
  lines.push('', 'Ctrl-C stops everything.', '');
  return lines.join('\n');
}

function tryCommands(standing: MeshStanding): readonly string[] {
  const { pods, controller, apiIsDefault } = standing;
  const api = apiIsDefault ? '' : ` --api ${formatSocketAddress(controller.api)}`;
  const own = new Map<string, string>();
  for (const { plan } of pods) {
    const { name, tryCommand } = plan.deployment;
    const [first] = plan.ports;
    if (tryCommand === undefined || own.has(name)) continue;
    const address = first === undefined ? plan.address : formatSocketAddress(first.inbound);
    own.set(name, tryCommand.replaceAll('$(ADDRESS)', address));
  }
  const lines = [...own.values()].flatMap((text) => text.trimEnd().split('\n'));
  return [
    `npx meshctl stat deploy -A${api}`,
    `npx meshctl stat route -A${api}`,
    ...standing.tryCommands,
    ...lines,
  ];
}

/** The same for programs: one line of JSON, addresses as ADDRESS:PORT. */
export function summaryJson({ pods, controller, stateDirectory }: MeshStanding): object {
  return {
    event: 'ready',
    stateDirectory,
    controller: {
      api: formatSocketAddress(controller.api),
      proxyApi: formatSocketAddress(controller.proxyApi),
      admin: formatSocketAddress(controller.admin),
      pid: controller.pid ?? null,
    },
    pods: pods.map(podJson),
  };
}

/** One pod of it. */
export function podJson({ applicationPid, plan, ready, sidecarPid }: PodStanding): object {
  return {
    namespace: plan.namespace,
    name: plan.name,
    deployment: plan.deployment.name,
    ready,
    address: plan.address,
    ports: plan.ports.map(({ name, containerPort, inbound }) => ({
      name: name ?? null,
      containerPort,
      address: formatSocketAddress(inbound),
    })),
    sidecarAdmin: plan.admin === undefined ? null : formatSocketAddress(plan.admin),
    applicationPid: applicationPid ?? null,
    sidecarPid: sidecarPid ?? null,
  };
}
