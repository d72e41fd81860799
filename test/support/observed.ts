/** Exchanges as an observer sees them, for tests of observers. */
import type { Destination } from '../../proxy/model/destination.ts';
import { NO_GRPC_STATUS, type ObservedExchange } from '../../proxy/model/observation.ts';
import type { SeriesLabels } from '../../proxy/model/series-labels.ts';

/** A destination that nobody picks from. */
export const observedDestination = (given: Partial<Destination> = {}): Destination => ({
  authority: 'web.demo.svc.cluster.local:80',
  service: 'web',
  namespace: 'demo',
  port: 80,
  picker: { pick: () => undefined },
  routes: { nameOf: () => '', settle: () => '' },
  endpoints: [],
  readyCount: 0,
  ...given,
});

/** A finished inbound exchange: 200 after 2 ms, its first byte after 1 ms. */
export const observedExchange = (given: Partial<ObservedExchange> = {}): ObservedExchange => ({
  direction: 'inbound',
  destination: undefined,
  endpoint: undefined,
  route: '',
  startUs: 1_000,
  firstByteUs: 2_000,
  endUs: 3_000,
  status: 200,
  grpcStatus: NO_GRPC_STATUS,
  grpc: false,
  failed: false,
  cancelled: false,
  ...given,
});

/** Labels of outbound traffic to a deployment. */
export const outboundLabels = (given: Partial<SeriesLabels> = {}): SeriesLabels => ({
  direction: 'outbound',
  authority: 'web.demo.svc.cluster.local:80',
  dstNamespace: 'demo',
  dstService: 'web',
  dstPort: 80,
  dstWorkloadKind: 'deployment',
  dstWorkload: 'web',
  route: '',
  tls: 'disabled',
  ...given,
});
