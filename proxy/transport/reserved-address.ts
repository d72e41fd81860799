/** An address of the process on which several threads listen (docs/decisions/007). */
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import type { ListenAddress } from '../model/thread.ts';

/** A bound socket that this thread holds and does not listen on. */
export interface ReservedAddress {
  /** With the port that the system chose and the descriptor. */
  readonly address: ListenAddress;
  /** Threads that listen on copies of it go on; without any, connections are refused. */
  close(): void;
}

/**
 * Binds `address` without SO_REUSEPORT: a second process cannot. While it is held, connections
 * wait in its queue rather than being refused, also when no thread is there to accept them.
 * Rejects with the system's error when the address cannot be had.
 */
export async function reserveAddress({
  host,
  ipv6Only = false,
  port,
}: ListenAddress): Promise<ReservedAddress> {
  const { address } = await lookup(host);
  const bound = new net.BoundSocket({ host: address, port, ipv6Only });
  return {
    address: { host, port: bound.address().port, descriptor: bound.fd() },
    close: () => bound.close(),
  };
}
