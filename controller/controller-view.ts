/** What the public API and the admin server may see of the controller. Nothing here changes it. */
import type { DiscoveryService } from './discovery/control-server.ts';
import type { Snapshot } from './sources/source.ts';
import type { Mesh } from './state.ts';
import type { TelemetryService } from './telemetry/report-server.ts';
import type { TelemetryStore } from './telemetry/store.ts';

/** Read-only ends of the parts of one controller. */
export interface ControllerView {
  readonly version: string;
  /** Microseconds since 1970; the epoch of versions. */
  readonly startedAtUs: number;
  readonly mesh: () => Mesh;
  /** Undefined until the source was read once. */
  readonly snapshot: () => Snapshot | undefined;
  readonly discovery: DiscoveryService;
  readonly telemetry: TelemetryStore;
  readonly reports: TelemetryService;
}
