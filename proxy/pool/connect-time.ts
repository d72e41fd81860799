/** How long a dial may have no answer. */
import { timeouts } from '../limits.ts';
import type { Endpoint } from '../model/endpoint.ts';

/** In place of a time: as long as the system tries (tcp(7), tcp_syn_retries). */
export const SYSTEM_TIME = 0;

/**
 * Milliseconds. There is no other endpoint to try in place of an address outside the mesh, and its
 * clients have times of their own.
 */
export const connectTimeMs = ({ outside }: Endpoint): number =>
  outside ? SYSTEM_TIME : timeouts.connectTimeoutMs;
