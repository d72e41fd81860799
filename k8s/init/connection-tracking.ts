/**
 * How strict the kernel is with the connections that it tracks, and so redirects. A segment that it
 * finds outside of the window (ahead of it; older kernels: also late) it takes for nobody's: its addresses are not
 * translated, it reaches the application's port instead of the sidecar's, and the answer is a RST that
 * ends a connection that was well. With `nf_conntrack_tcp_be_liberal` only a RST out of the window is
 * taken so, and the rest is left to the two ends, who know better
 * (Documentation/networking/nf_conntrack-sysctl.rst).
 */
import type { Runner } from './runner.ts';

/** Of the network namespace that whoever opens it is in; anything but 0 is liberal. */
export const LIBERAL_FILE = '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal';
/** What is written there. */
export const LIBERAL = '1';

/**
 * Makes it liberal where it is not, in the namespace that `run` runs in. Resolves to a sentence when it
 * cannot: containers often may not write to /proc/sys, and the rules work without.
 */
export async function makeTrackingLiberal(run: Runner): Promise<string | undefined> {
  const now = await run('cat', [LIBERAL_FILE], '');
  if (now.code === 0 && now.stdout.trim() !== '0') return undefined;
  const written = await run('tee', [LIBERAL_FILE], `${LIBERAL}\n`);
  if (written.code === 0) return undefined;
  const said = written.stderr.trim().replaceAll(/\s*\n\s*/g, ' ');
  const why = written.missing ? 'tee is not installed: apt-get install coreutils' : said;
  return `Segments out of the window may end connections that are redirected: ${LIBERAL_FILE} cannot be set to ${LIBERAL} (${why}).`;
}
