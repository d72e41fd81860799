/** What `dev --network netns` needs of a machine, looked at before anything is made there. */
import { formatIpRange, overlap, parseIpv4 } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';

/** The machine, as far as it matters. */
export interface Machine {
  /** As `process.platform`. */
  readonly platform: string;
  /** Undefined where there are no users. */
  readonly euid: number | undefined;
  /** Effective ones, a bit each (capabilities(7)); undefined when it does not say. */
  readonly capabilities: bigint | undefined;
  readonly hasProgram: (name: string) => boolean;
}

/** Programs by the Debian package that has them. */
const PACKAGES: readonly (readonly [name: string, programs: readonly string[]])[] = [
  ['iproute2', ['ip']],
  ['iptables', ['iptables', 'iptables-save', 'iptables-restore']],
  ['util-linux', ['setpriv', 'unshare']],
  ['mount', ['mount', 'umount']],
];

/**
 * To make and enter namespaces, to mount, and to change their tables; to run programs as others, to give
 * them what is theirs, to see where they are and to end them.
 */
const CAPABILITIES: readonly (readonly [name: string, bit: bigint])[] = [
  ['CAP_CHOWN', 0n],
  ['CAP_KILL', 5n],
  ['CAP_SETGID', 6n],
  ['CAP_SETUID', 7n],
  ['CAP_NET_ADMIN', 12n],
  ['CAP_NET_RAW', 13n],
  ['CAP_SYS_PTRACE', 19n],
  ['CAP_SYS_ADMIN', 21n],
];

/** What is missing, a sentence each; none when it can begin. */
export function missingNeeds(machine: Machine): readonly string[] {
  const { capabilities, euid, hasProgram, platform } = machine;
  if (platform !== 'linux') {
    return ['--network netns needs Linux: network namespaces are its own.'];
  }
  const problems: string[] = [];
  if (euid !== 0) {
    problems.push('--network netns needs root to make network namespaces: run it with sudo.');
  } else if (capabilities !== undefined) {
    const lacking = CAPABILITIES.filter(([, bit]) => ((capabilities >> bit) & 1n) === 0n);
    if (lacking.length > 0) {
      const names = lacking.map(([name]) => name).join(' and ');
      problems.push(
        `--network netns needs ${names}, which root does not have here: give the container those, or run it outside.`,
      );
    }
  }
  for (const [name, programs] of PACKAGES) {
    const missing = programs.filter((program) => !hasProgram(program));
    if (missing.length > 0) {
      problems.push(
        `--network netns needs ${missing.join(' and ')}, of the package ${name}: apt-get install ${name}.`,
      );
    }
  }
  return problems;
}

/** Why the two ranges cannot be had; undefined when they can. */
export function rangeProblem(
  pods: IpRange,
  services: IpRange,
  routes: readonly IpRange[],
): string | undefined {
  if (overlap(pods, services)) {
    return `--pod-range ${formatIpRange(pods)} and --service-range ${formatIpRange(services)} overlap: choose another for one of them`;
  }
  const taken = routes.find((route) => overlap(route, pods));
  return taken === undefined
    ? undefined
    : `this machine has a way to ${formatIpRange(taken)} already, of which --pod-range ${formatIpRange(pods)} would take some: choose another range`;
}

/** The destinations in what `ip -4 -json route show` prints, the default route left out. */
export function readRoutes(json: string): readonly IpRange[] {
  const routes: unknown = JSON.parse(json === '' ? '[]' : json);
  if (!Array.isArray(routes)) return [];
  return routes.flatMap((route: unknown) => {
    const destination: unknown =
      typeof route === 'object' && route !== null ? Reflect.get(route, 'dst') : undefined;
    if (typeof destination !== 'string') return [];
    const [address = '', length = '32'] = destination.split('/');
    const base = parseIpv4(address);
    const prefixLength = Number(length);
    // 0.0.0.0/1 and 128.0.0.0/1, as some tunnels set them, are a default route too.
    return base === undefined || prefixLength < 2 ? [] : [{ base, prefixLength }];
  });
}
