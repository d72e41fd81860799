/** Which addresses lead back to this proxy. */
import type { SocketAddress } from '../../base/settings.ts';
import type { Direction } from '../model/exchange.ts';
import type { BoundListeners, ThreadConfig } from '../model/thread.ts';
import { covers } from '../transport/own-addresses.ts';

type Configured = Pick<
  ThreadConfig,
  'inbound' | 'wayOut' | Exclude<keyof BoundListeners, 'wayOut'>
>;

/**
 * Whether dialling `host` and `port` from one side would reach a listener of this proxy: inbound must not
 * reach itself through the application's address, outbound not come back out. Listeners count before they
 * are bound, as configured, and after it, where the system chose the port.
 */
export function isOwnListener(
  configured: Configured,
  bound: BoundListeners,
  direction: Direction,
  host: string,
  port: number,
): boolean {
  const own: SocketAddress[] = [
    ...configured.outbound,
    ...configured.wayOut.map(listens),
    ...bound.outbound,
    ...bound.wayOut,
  ];
  // Nobody means these: what comes here is told where it was going, and that is not here.
  for (const { interceptInbound, interceptOutbound } of [configured, bound]) {
    own.push(...interceptInbound, ...interceptOutbound);
  }
  if (direction === 'inbound') own.push(...configured.inbound.map(listens), ...bound.inbound);
  return own.some((address) => address.port === port && covers(address.host, host));
}

const listens = (one: { readonly listen: SocketAddress }): SocketAddress => one.listen;
