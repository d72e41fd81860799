/** Whether the rules of IPv6 are needed in a network namespace. */
import type { Runner } from './runner.ts';

/** `off`: left alone. `try`: a failure is only a warning. `must`: a failure is a failure. */
export type Ipv6Need = 'off' | 'try' | 'must';

/** What the user asks for. */
export type Ipv6Mode = 'auto' | 'on' | 'off';

const ADDRESSES = '/proc/net/if_inet6';
/** In the fourth column: reachable from everywhere; link-local is 20, the host's own 10. */
const SCOPE_GLOBAL = '00';

/**
 * With `auto`: what the addresses of the namespace say. Without IPv6 in the kernel there is nothing to
 * intercept; with a global address it must be, or half of the traffic would pass by the proxy unseen.
 * `run` looks, in the namespace it runs in.
 */
export async function ipv6Need(mode: Ipv6Mode, run: Runner): Promise<Ipv6Need> {
  if (mode !== 'auto') return mode === 'on' ? 'must' : 'off';
  const ran = await run('cat', [ADDRESSES], '');
  if (ran.code !== 0) return 'off';
  return hasGlobalAddress(ran.stdout) ? 'must' : 'try';
}

/** Of the text of /proc/net/if_inet6: address, interface, prefix, scope, flags, name; all hexadecimal. */
const hasGlobalAddress = (text: string): boolean =>
  text.split('\n').some((line) => line.trim().split(/\s+/)[3] === SCOPE_GLOBAL);
