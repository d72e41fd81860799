/** The one rule for when a connected sidecar counts as silent. */
import type { TelemetryStore } from '../telemetry/store.ts';

/** Reports come each second; an older last one says that they do not, not that one was late. */
const REPORT_AGE_MS_MAX = 10_000;

/** Why the figures of the pod's sidecar are not whole; undefined when they are. */
export function silenceOf(
  telemetry: Pick<TelemetryStore, 'reportAgeMs'>,
  namespace: string,
  pod: string,
): string | undefined {
  const ageMs = telemetry.reportAgeMs(namespace, pod);
  if (ageMs === undefined) return 'has sent no report';
  if (ageMs <= REPORT_AGE_MS_MAX) return undefined;
  return `sent its last report ${Math.round(ageMs / 1_000)} s ago`;
}
