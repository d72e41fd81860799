/** SelfCheck: what the controller knows to be wrong, each with what to do about it. */
import { CheckStatus } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { CheckResult } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { ControllerView } from '../controller-view.ts';
import { resourceKey } from '../resources/resource.ts';
import { formatProblem } from '../sources/source.ts';
import { findPassedBy, findRewritten } from './interception-checks.ts';
import { silenceOf } from './reporting.ts';

/** A cap that was not reached for this long is high enough. */
const DROP_AGE_MS_MAX = 600_000;
/** Of one kind of problem, more than these are counted only. */
const SHOWN_MAX = 10;

interface Check {
  readonly id: string;
  readonly description: string;
  readonly status: CheckStatus;
  readonly hint: string;
  /** One text for each problem; none when the check passes. */
  readonly find: (view: ControllerView) => readonly string[];
}

const CHECKS: readonly Check[] = [
  {
    id: 'sources.files',
    description: 'every resource is valid',
    status: CheckStatus.CHECK_STATUS_FAILED,
    hint: 'correct the resource: it is read again as soon as the file is saved',
    find: (view) => view.snapshot()?.problems.map(formatProblem) ?? ['not read yet'],
  },
  {
    id: 'services.addresses',
    description: 'every address belongs to one Service or pod',
    status: CheckStatus.CHECK_STATUS_FAILED,
    hint: 'give one of them another address: connections to it reach only one of them',
    find: (view) => view.mesh().addressConflicts,
  },
  {
    id: 'proxies.connected',
    description: 'every meshed pod that runs has its sidecar connected',
    status: CheckStatus.CHECK_STATUS_FAILED,
    hint: "look at the sidecar's log, and at its --controller setting",
    find: findUnconnected,
  },
  {
    id: 'proxies.accepting',
    description: 'every sidecar took the configuration it was sent',
    status: CheckStatus.CHECK_STATUS_FAILED,
    hint: 'the sidecar stays on its last good version; the reason names what it cannot use',
    find: findRefusals,
  },
  {
    id: 'telemetry.flowing',
    description: 'every connected sidecar reports its traffic',
    status: CheckStatus.CHECK_STATUS_FAILED,
    hint: "look at the sidecar's log for its telemetry stream",
    find: findSilent,
  },
  {
    id: 'interception.inbound',
    description: 'what comes to a meshed pod comes by way of its sidecar',
    status: CheckStatus.CHECK_STATUS_WARNING,
    hint: 'are the rules of proxy-init in the pods? "node base/launch.mjs k8s/init/main.ts" sets them',
    find: findPassedBy,
  },
  {
    id: 'interception.balancer',
    description: 'sidecars see the addresses of Services',
    status: CheckStatus.CHECK_STATUS_WARNING,
    hint: 'if the application does not look up pods by itself, a balancer on the node is ahead of the sidecar: turn it off for sockets of pods',
    find: findRewritten,
  },
  {
    id: 'telemetry.memory',
    description: 'telemetry fits its memory',
    status: CheckStatus.CHECK_STATUS_WARNING,
    hint: 'figures of idle series were dropped: raise --telemetry-bytes-max',
    find: findDropped,
  },
];

/** Every check in a fixed order; a failed one has a result for each problem, all with its id. */
export function selfCheck(view: ControllerView): CheckResult[] {
  return CHECKS.flatMap(({ id, description, status, hint, find }): CheckResult[] => {
    const problems = find(view);
    if (problems.length === 0) {
      return [{ id, description, status: CheckStatus.CHECK_STATUS_OK, problem: '', hint: '' }];
    }
    const shown = problems.slice(0, SHOWN_MAX);
    const left = problems.length - shown.length;
    if (left > 0) shown.push(`and ${left} more`);
    return shown.map((problem) => ({ id, description, status, problem, hint }));
  });
}

/** "namespace/pod" of every sidecar with a control stream. */
export function connectedPods(
  view: ControllerView,
): Map<string, { readonly proxyVersion: string }> {
  const connected = new Map<string, { readonly proxyVersion: string }>();
  for (const { identity } of view.discovery.streams) {
    if (identity !== undefined) {
      connected.set(resourceKey(identity.namespace, identity.pod), identity);
    }
  }
  return connected;
}

function findUnconnected(view: ControllerView): string[] {
  const connected = connectedPods(view);
  return [...view.mesh().pods]
    .filter(([key, pod]) => pod.meshed && pod.phase === 'running' && !connected.has(key))
    .map(([key]) => `pod ${key} has no control stream`)
    .toSorted();
}

function findRefusals(view: ControllerView): string[] {
  const refusals: string[] = [];
  for (const { identity, subscriptions } of view.discovery.streams) {
    if (identity === undefined) continue;
    for (const [key, { error }] of subscriptions) {
      if (error === '') continue;
      const what = key === '' ? 'its inbound resource' : key;
      refusals.push(`pod ${identity.namespace}/${identity.pod} refused ${what}: ${error}`);
    }
  }
  return refusals.toSorted();
}

function findSilent(view: ControllerView): string[] {
  const silent: string[] = [];
  for (const key of connectedPods(view).keys()) {
    const [namespace = '', pod = ''] = key.split('/');
    const silence = silenceOf(view.telemetry, namespace, pod);
    if (silence !== undefined) silent.push(`pod ${key} ${silence}`);
  }
  return silent.toSorted();
}

function findDropped({ telemetry }: ControllerView): string[] {
  const { dropAgeMs, bytesMax, counters } = telemetry;
  if (dropAgeMs === undefined || dropAgeMs > DROP_AGE_MS_MAX) return [];
  const ageSeconds = Math.round(dropAgeMs / 1_000);
  return [
    `${counters.droppedSeries} series dropped at ${bytesMax} bytes, the last one ${ageSeconds} s ago`,
  ];
}
