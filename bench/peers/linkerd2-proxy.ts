/** Linkerd's proxy: named so that its absence has a reason. */
import type { Peer } from './peer.ts';
import { versionOf } from './program.ts';

const program = (): string => process.env['LINKERD2_PROXY'] ?? '';

const WHY =
  'linkerd2-proxy does not run by itself: it needs its control plane (identity, destinations, ' +
  'policies) and original destinations set by iptables.';

/** Never runs here. LINKERD2_PROXY names its binary, whose version is then reported. */
export const LINKERD2_PROXY: Peer = {
  name: 'linkerd2-proxy',
  missing: () => WHY,
  applies: () => WHY,
  version: () => (program() === '' ? '' : versionOf(program(), '--version')),
  start: () => Promise.reject(new Error(WHY)),
};
