/** The command line of proxy-init, and what it asks for. Described in docs/proxy-init.md. */
import { parsePortList } from '../../base/port-list.ts';
import type { PortRange } from '../../base/port-list.ts';
import { choice, flag, integer, readSettings, text } from '../../base/settings.ts';
import type { Setting, SettingsOf } from '../../base/settings.ts';
import { SUBNET_LIST_WORDS, parseSubnets } from './subnet.ts';
import type { Subnet } from './subnet.ts';

/** The command line, for help. */
export const USAGE =
  'node base/launch.mjs k8s/init/main.ts [--simulate | --check | --remove] [flags]';

/** (2^32 - 1) is "no user". */
const UID_MAX = 4_294_967_294;

/** Names of ports are the pod's, and known to who reads its manifest. */
const PORTS_WORDS = 'ports and ranges with commas between, as 25,4444-4450';

const port = (fallback: number, reason: string): Setting<number> =>
  integer({ fallback, min: 1, max: 65_535, reason });

const ports = (reason: string): Setting<readonly PortRange[]> => ({
  ...text({ fallback: '', allowed: PORTS_WORDS, reason }),
  fallback: [],
  parse: (value) => {
    const list = parsePortList(value);
    return typeof list === 'string' || list.names.length > 0 ? undefined : list.ranges;
  },
});

const subnets = (reason: string): Setting<readonly Subnet[]> => ({
  ...text({ fallback: '', allowed: SUBNET_LIST_WORDS, reason }),
  fallback: [],
  parse: parseSubnets,
});

/** Every flag of proxy-init. */
export const INIT_FLAGS = {
  proxyUid: integer({
    fallback: 2_102,
    min: 1,
    max: UID_MAX,
    reason:
      'The user that the sidecar runs as, and nothing else does: its connections are not redirected.',
  }),
  inboundPort: port(4_143, 'Where the sidecar takes connections that arrive at the pod.'),
  outboundPort: port(4_140, 'Where the sidecar takes connections that leave the pod.'),
  adminPort: port(4_191, "The sidecar's admin server, reached from outside without redirection."),
  skipInboundPorts: ports('Ports of the pod that are reached past the sidecar.'),
  skipOutboundPorts: ports('Ports anywhere that the pod reaches past the sidecar.'),
  skipSubnets: subnets('Connections from and to these addresses pass by the sidecar.'),
  backend: choice({
    fallback: 'auto',
    of: ['auto', 'nft', 'legacy'],
    reason:
      'The programs and tables of iptables to use; auto: where the rules are already, else nft, else legacy.',
  }),
  ipv6: choice({
    fallback: 'auto',
    of: ['auto', 'on', 'off'],
    reason:
      'Rules for IPv6; auto: where the kernel has it, and they must succeed only where the pod has a global address.',
  }),
  simulate: flag({ reason: 'Prints the rules and runs nothing.' }),
  check: flag({ reason: 'Says whether the rules are in force, and changes nothing.' }),
  remove: flag({ reason: 'Takes the rules away.' }),
  output: choice({
    fallback: 'text',
    of: ['text', 'json'],
    reason: '-o for short. json: one line on standard output.',
  }),
} as const;

/** Values of all flags. */
export type InitFlags = SettingsOf<typeof INIT_FLAGS>;

/** Reads the command line; problems are one line each. */
export function readInitFlags(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly flags: InitFlags; readonly problems: readonly string[] } {
  const long = args.map((arg) => arg.replace(/^-o(?=$|=)/, '--output'));
  const { values, problems } = readSettings(INIT_FLAGS, long, env);
  return { flags: values, problems: problems.length > 0 ? problems : flagProblems(values) };
}

/** What must hold between flags. */
function flagProblems(flags: InitFlags): readonly string[] {
  const problems: string[] = [];
  const { inboundPort, outboundPort, adminPort, simulate, check, remove } = flags;
  if (new Set([inboundPort, outboundPort, adminPort]).size < 3) {
    problems.push('--inbound-port, --outbound-port, --admin-port: each must be another port');
  }
  if ([simulate, check, remove].filter(Boolean).length > 1) {
    problems.push('--simulate, --check, --remove: at most one of them');
  }
  return problems;
}
