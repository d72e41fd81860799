import { renderTable } from '../render/table.ts';
import type { Column } from '../render/table.ts';
import type { HeldDestination, HeldEndpoint, HeldError, ProxyState } from './proxy-state.ts';

/** Milliseconds as a person reads them: "0.4 s", "12 s", "3 min", "5 h". */
export function formatAge(ms: number | undefined): string {
  if (ms === undefined) return '-';
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = seconds / 60;
  return minutes < 120 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`;
}

const DESTINATIONS: readonly Column<HeldDestination>[] = [
  { title: 'TARGET', align: 'left', cell: ({ target }) => target },
  { title: 'VERSION', align: 'right', cell: ({ version }) => String(version ?? '-') },
  { title: 'AGE', align: 'right', cell: ({ ageMs }) => formatAge(ageMs) },
  { title: 'READY', align: 'right', cell: ({ ready, total }) => `${ready}/${total}` },
  { title: 'PROBLEM', align: 'left', cell: problemOf },
];

function problemOf({ noneReadyForMs, problem }: HeldDestination): string {
  if (problem !== undefined) return problem;
  return noneReadyForMs === undefined ? '-' : `none ready for ${formatAge(noneReadyForMs)}`;
}

interface PlacedEndpoint extends HeldEndpoint {
  readonly target: string;
}

const ENDPOINTS: readonly Column<PlacedEndpoint>[] = [
  { title: 'TARGET', align: 'left', cell: ({ target }) => target },
  { title: 'ENDPOINT', align: 'left', cell: ({ address }) => address },
  { title: 'STATE', align: 'left', cell: ({ state }) => state },
  { title: 'MESHED', align: 'left', cell: ({ meshed }) => (meshed ? 'yes' : 'no') },
  { title: 'PROTOCOL', align: 'left', cell: ({ protocol }) => protocol ?? '-' },
  { title: 'PENDING', align: 'right', cell: ({ pending }) => String(pending) },
  { title: 'IDLE', align: 'right', cell: ({ idle }) => String(idle) },
  { title: 'LAST DIAL ERROR', align: 'left', cell: dialError },
];

function dialError({ failingForMs, lastDialError }: HeldEndpoint): string {
  if (lastDialError === undefined) return '-';
  return `${lastDialError} For ${formatAge(failingForMs)}.`;
}

const ERRORS: readonly Column<HeldError>[] = [
  { title: 'AGO', align: 'right', cell: ({ agoMs }) => formatAge(agoMs) },
  { title: 'COUNT', align: 'right', cell: ({ count }) => String(count) },
  { title: 'DIRECTION', align: 'left', cell: ({ direction }) => direction },
  { title: 'ERROR', align: 'left', cell: ({ error }) => error },
  { title: 'WHAT FAILED', align: 'left', cell: ({ sentence }) => sentence },
];

/** What a sidecar holds, for people. `name`: of its pod, or where its admin port is. */
export function proxyText(name: string, state: ProxyState): string {
  const { destinations, errors } = state;
  const endpoints = destinations.flatMap(({ endpoints: of, target }) =>
    of.map((endpoint) => ({ ...endpoint, target })),
  );
  const blocks = [
    `${name}: ${state.notReady === undefined ? 'ready' : `not ready, ${state.notReady}`}\n` +
      `${controllerLine(state)}\n${threadsLine(state)}\n`,
    destinations.length === 0
      ? 'No destinations: the application has called nobody in the last 5 min.\n'
      : renderTable(DESTINATIONS, destinations),
  ];
  if (endpoints.length > 0) blocks.push(renderTable(ENDPOINTS, endpoints));
  blocks.push(
    errors.length === 0 ? 'No failures since it started.\n' : renderTable(ERRORS, errors),
  );
  return blocks.join('\n');
}

function controllerLine({ controller }: ProxyState): string {
  if (controller === undefined) return 'controller: none, stand-alone';
  const { address, connected, heardAgoMs } = controller;
  const heard =
    heardAgoMs === undefined ? 'never heard' : `last heard ${formatAge(heardAgoMs)} ago`;
  return `controller ${address}: ${connected ? 'connected' : 'not connected'}, ${heard}`;
}

function threadsLine({ threads }: ProxyState): string {
  const serving = threads.filter((one) => one.serving).length;
  const restarts = threads.reduce((total, one) => total + one.restarts, 0);
  const connections = threads.reduce((total, one) => total + one.connections, 0);
  const line = `data threads: ${serving} of ${threads.length} serve, ${restarts} restarts, ${connections} connections`;
  const silent = threads.filter((one) => one.silent).map((one) => one.thread);
  if (silent.length === 0) return line;
  return `${line}\nthread ${silent.join(', ')} did not answer in time: what it holds is not counted below`;
}
