/** Asking after a peer that may be silent for long: TCP keep-alive, and a bound on what is not acknowledged. */
import { setUserTimeout } from '../../base/libc.ts';
import { timeouts } from '../limits.ts';
import { INHERITS_OPTIONS, KEEP_ALIVE_AFTER_MS } from './listening-handle.ts';
import type { TcpHandle } from './tcp-handle.ts';

/** From here on; `accepted` connections may have a part of it from their listener. */
export function askAfterPeer(handle: TcpHandle, accepted: boolean): void {
  if (!accepted || !INHERITS_OPTIONS) handle.setKeepAlive(true, KEEP_ALIVE_AFTER_MS / 1000);
  const ms = timeouts.tcpUserTimeoutMs;
  if (process.platform === 'linux' && handle.fd >= 0 && ms > 0) setUserTimeout(handle.fd, ms);
}
