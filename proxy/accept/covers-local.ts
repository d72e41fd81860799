/** Listeners on every address of this machine. */
import { networkInterfaces } from 'node:os';

/** Whether a listener on every address, as `listen` says, also has `host`. */
export function coversLocal(listen: string, host: string): boolean {
  const loopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
  if (host === 'localhost' && (listen.startsWith('127.') || listen === '::1')) return true;
  if (listen !== '0.0.0.0' && listen !== '::') return false;
  if (loopback) return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === host),
  );
}
