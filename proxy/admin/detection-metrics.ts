/** What detection of protocols came to, by side and port. */
import type { MetricsPage } from '../../base/prometheus.ts';
import {
  DETECTION_BOUNDS_MS,
  DETECTION_RESULTS,
  sumDetections,
} from '../observe/detection-counts.ts';

/** `threads`: the detection counts of each data thread. */
export function addDetections(page: MetricsPage, threads: readonly Float64Array[]): void {
  for (const { buckets, direction, port, results, sumMs, timeouts } of sumDetections(threads)) {
    const labels = { direction, port: port === 0 ? 'other' : String(port) };
    DETECTION_RESULTS.forEach((result, i) => {
      const help = 'Connections by the protocol that was detected.';
      const named = { ...labels, protocol: result };
      page.add('protocol_detection_total', 'counter', help, named, results[i] ?? 0);
    });
    const late = 'Connections whose first bytes did not tell within the detection timeout.';
    page.add('protocol_detection_timeout_total', 'counter', late, labels, timeouts);
    let seen = 0;
    const cumulative = DETECTION_BOUNDS_MS.map((_, i) => (seen += buckets[i] ?? 0));
    const count = results.reduce((sum, one) => sum + one, 0);
    const help = 'Connection accepted to protocol known, milliseconds.';
    const bounds = DETECTION_BOUNDS_MS;
    page.addHistogram('protocol_detection_ms', help, labels, bounds, cumulative, count, sumMs);
  }
}
