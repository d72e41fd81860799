/** Which addresses are this machine's: of the network namespace that the process is in. */
import { networkInterfaces } from 'node:os';

/** An interface has `host`, that of loopback included. Asks the system: some 100 us. */
export function isInterfaceAddress(host: string): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === host),
  );
}

/** Others can reach this machine there: an address of an interface that is not loopback. */
export const isReachableAddress = (host: string): boolean =>
  !isLoopback(host) && isInterfaceAddress(host);

/** Whether who listens on `listen` also has `host`. */
export function covers(listen: string, host: string): boolean {
  if (listen === host) return true;
  if (host === 'localhost' && isLoopback(listen)) return true;
  if (listen !== '0.0.0.0' && listen !== '::') return false;
  return host === 'localhost' || isLoopback(host) || isInterfaceAddress(host);
}

const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.');
