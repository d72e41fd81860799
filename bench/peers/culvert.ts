/** Our sidecar, of this tree or of another checkout. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { nodeFlags } from '../../base/node-flags.ts';
import {
  type SocketAddress,
  formatSocketAddress,
  parseSocketAddress,
} from '../../base/settings.ts';
import type { ArmName } from '../model.ts';
import { startHops } from './chain.ts';
import { type Arm, type Peer, type Topology, sendsHttp2, takesHttp2 } from './peer.ts';
import { PinnedProcess } from './pinned-process.ts';
import { missingProgram } from './program.ts';

const READY_MS = 15_000;
/** What `--to` calls what is spoken to its addresses. */
const SCHEMES = { http1: 'http://', http2: 'h2c://', sidecar: 'sidecar://' } as const;
/** Root of the tree that this file is in. */
const OWN_ROOT = path.resolve(import.meta.dirname, '../..');

/** What tells one arm of ours from another. */
export interface CulvertOptions {
  /** Default "culvert". */
  readonly name?: ArmName;
  /** Root of a checkout with its packages; default this tree. */
  readonly root?: string;
  /** What it is told that its application speaks; absent: it finds out. */
  readonly declared?: 'http1';
  /** More flags for each sidecar. */
  readonly args?: readonly string[];
  /** A controller, which `args` name, tells what the authority is; default false. */
  readonly controlled?: boolean;
  /** More environment variables; ours and Node's own are not inherited. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
}

/**
 * The sidecar as a peer, telemetry on, as it is by default. Inbound it forwards to one backend;
 * outbound it balances over all under the authority's name. A warm compile cache is the caller's
 * business: the first start of a tree fills it.
 */
export function culvert(options: CulvertOptions = {}): Peer {
  const { name = 'culvert', root = OWN_ROOT } = options;
  return {
    name,
    missing: () => missingProgram(),
    carriesTcp: true,
    applies: ({ backends, direction, opaque }) => {
      if (opaque === true && direction === 'outbound') return 'TCP is measured inbound.';
      return direction === 'inbound' && backends.length !== 1
        ? `inbound leads to one application, not to ${backends.length}.`
        : undefined;
    },
    version: () => versionIn(root),
    start: (topology, cores) =>
      startHops(topology, (one) => startSidecar({ ...options, name, root }, one, cores)),
  };
}

const versionIn = (root: string): string =>
  (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string })
    .version;

/** Flags of one sidecar for `topology`; one with a controller is not told its destination. */
export function sidecarFlags(
  topology: Topology,
  { controlled = false, declared }: Pick<CulvertOptions, 'controlled' | 'declared'> = {},
): readonly string[] {
  const { authority, backends, chained, direction, threads } = topology;
  const addresses = backends.map(formatSocketAddress).join(',');
  // Not said when it is the default: an earlier commit may not know the flag.
  const spread = threads > 1 ? ['--threads', String(threads)] : [];
  const sent = sendsHttp2(topology) ? 'http2' : 'http1';
  if (topology.opaque === true) {
    const opaque = ['--inbound', '127.0.0.1:0', '--forward', `opaque://${addresses}`];
    return [...opaque, '--admin', '127.0.0.1:0', '--log-level', 'warn', ...spread];
  }
  const isPlain = sent === 'http1' && !takesHttp2(topology);
  const spoken = isPlain ? [] : ['--forward-protocol', sent];
  // To a sidecar HTTP/1.1 rides HTTP/2; to a server it is translated.
  const rides = chained === true && sent === 'http2' && !takesHttp2(topology);
  const scheme = isPlain ? '' : SCHEMES[rides ? 'sidecar' : sent];
  const carried = rides ? ['--http1-transport', 'http2'] : [];
  const to = controlled ? [] : ['--to', `${authority}=${scheme}${addresses}`];
  const told = declared === undefined ? '' : `${declared}://`;
  const way =
    direction === 'inbound'
      ? ['--inbound', '127.0.0.1:0', '--forward', `${told}${addresses}`, ...spoken]
      : ['--outbound', '127.0.0.1:0', ...to, ...carried];
  return [...way, '--admin', '127.0.0.1:0', '--log-level', 'warn', ...spread];
}

async function startSidecar(
  options: CulvertOptions & { readonly name: ArmName; readonly root: string },
  topology: Topology,
  cores: string,
): Promise<Arm> {
  const { args = [], env = {}, name, root } = options;
  const launch = [...nodeFlags('proxy/main.ts', root), 'base/launch.mjs', 'proxy/main.ts'];
  const sidecar = new PinnedProcess({
    program: process.execPath,
    args: [...launch, ...sidecarFlags(topology, options), ...args],
    cores,
    cwd: root,
    env: { ...inheritedVariables(), ...env },
    // Nobody's traffic is at stake: it need not drain.
    stopSignal: 'SIGKILL',
  });
  const stop = (): Promise<void> => sidecar.stop();
  try {
    const readyMs = await sidecar.untilReady(() => sidecar.firstLine !== undefined, READY_MS);
    const { address, admin } = readReadyLine(sidecar.firstLine ?? '');
    return { name, address, pids: sidecar.pids, readyMs, admins: [admin], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Settings of ours and of Node in the caller's environment would change what is measured. */
const inheritedVariables = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:CULVERT|NODE)_/.test(name)),
  );

/** Where the sidecar listens, from its ready line. */
export function readReadyLine(line: string): {
  readonly address: SocketAddress;
  readonly admin: SocketAddress;
} {
  const said = JSON.parse(line) as Partial<Record<string, unknown>>;
  const {
    admin,
    inbound = [],
    outbound = [],
  } = said as {
    admin?: string;
    inbound?: readonly string[];
    outbound?: readonly string[];
  };
  const address = parseSocketAddress(inbound[0] ?? outbound[0] ?? '');
  const adminAddress = parseSocketAddress(admin ?? '');
  if (address === undefined || adminAddress === undefined) {
    throw new Error(`not a ready line: ${line}`);
  }
  return { address, admin: adminAddress };
}
