/** What the services of a simulation are. */
import type { Protocol } from '../../proxy/model/exchange.ts';

/** Of every service. */
export const SERVICE_PORT = 8080;

/** What a service is like. */
export interface ServiceKind {
  readonly index: number;
  readonly protocol: Protocol | 'tcp';
  /** Of TCP: the application greets its clients. */
  readonly serverFirst: boolean;
  /** What discovery says its endpoints speak. */
  readonly hint: Protocol | undefined;
  readonly meshed: boolean;
  readonly http1Transport: Protocol | undefined;
}
