/** Every scenario, in the order in which they run. */
import { CHURN } from './churn.ts';
import { COLD_START } from './cold-start.ts';
import { DETECTION } from './detection.ts';
import { GRPC_SCENARIOS } from './grpc.ts';
import { HTTP1_SCENARIOS } from './http1.ts';
import { HTTP2_MEMORY } from './http2-memory.ts';
import { HTTP2_SCENARIOS } from './http2.ts';
import { INTERCEPTION_SCENARIOS } from './interception.ts';
import { MANY_IDLE_CONNECTIONS } from './many-idle-connections.ts';
import { MEMORY } from './memory.ts';
import { MESH_PAIR_HTTP2 } from './mesh-pair-http2.ts';
import { SAME } from './same.ts';
import type { Scenario } from './scenario.ts';
import { SLOW_REPLICA } from './slow-replica.ts';
import { TCP_SCENARIOS } from './tcp.ts';
import { TRANSLATION_SCENARIOS } from './translation.ts';

export const SCENARIOS: readonly Scenario[] = [
  SAME,
  ...HTTP1_SCENARIOS,
  ...HTTP2_SCENARIOS,
  ...GRPC_SCENARIOS,
  ...TRANSLATION_SCENARIOS,
  MESH_PAIR_HTTP2,
  ...TCP_SCENARIOS,
  DETECTION,
  ...INTERCEPTION_SCENARIOS,
  MANY_IDLE_CONNECTIONS,
  SLOW_REPLICA,
  CHURN,
  COLD_START,
  MEMORY,
  HTTP2_MEMORY,
];
