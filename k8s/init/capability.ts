/** Whether this process may change the tables of its network namespace. */
import type { Backend } from './nat-table.ts';

/** Linux capabilities by number (capability.h). */
const NET_ADMIN = ['CAP_NET_ADMIN', 12n] as const;
/** Legacy tables are read through a raw socket. */
const NET_RAW = ['CAP_NET_RAW', 13n] as const;

/**
 * Names of the capabilities that are missing, from the text of /proc/self/status. Where it does not
 * say, none: then the programs of iptables will.
 */
export function missingCapabilities(status: string, backend: Backend | 'auto'): readonly string[] {
  const hex = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)?.[1];
  if (hex === undefined) return [];
  const effective = BigInt(`0x${hex}`);
  const needed = backend === 'legacy' ? [NET_ADMIN, NET_RAW] : [NET_ADMIN];
  return needed.filter(([, bit]) => ((effective >> bit) & 1n) === 0n).map(([name]) => name);
}
