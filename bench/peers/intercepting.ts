/**
 * Proxies that clients know nothing of: the kernel redirects what they open. Each arm has a network
 * namespace of its own, with its own generator in it; the servers are beyond a cable.
 *
 *   direct             generator ══ servers                                       no rule, no proxy
 *   culvert, haproxy   generator ─ rules ─> 4140 proxy ══ servers                 redirected
 *   culvert-told       generator ──────────> loopback proxy ══ servers            no rule
 */
import { chmodSync, chownSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { nodeFlags } from '../../base/node-flags.ts';
import { type SocketAddress, formatSocketAddress } from '../../base/settings.ts';
import { Generator } from '../load/generator.ts';
import type { LoadPlan, LoadResult } from '../load/plan.ts';
import type { Loader } from '../run/stage.ts';
import { configureBackend } from './backend.ts';
import {
  type BenchNamespace,
  type BenchNamespaces,
  applyInterception,
} from './bench-namespaces.ts';
import { readReadyLine } from './culvert.ts';
import { CLIENT_IDLE_MS, CONNECTIONS_MAX, CONNECT_TIMEOUT_MS, SERVER_IDLE_MS } from './fairness.ts';
import { HAPROXY } from './haproxy.ts';
import type { Arm, Peer, Topology } from './peer.ts';
import { PinnedProcess } from './pinned-process.ts';
import { listenerInodes } from './ports.ts';
import { Scratch } from './scratch.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const READY_MS = 15_000;
/** Whose connections the rules let pass. */
const PROXY_UID = 2102;
const AS_PROXY = [
  'setpriv',
  `--reuid=${PROXY_UID}`,
  `--regid=${PROXY_UID}`,
  '--clear-groups',
  // What ends it with us dies with the change of user.
  '--pdeathsig=KILL',
];
const INTERCEPTING: SocketAddress = { host: '0.0.0.0', port: 4140 };
const SERVER: SocketAddress = { host: '0.0.0.0', port: 8080 };
const SERVER_BEHIND: SocketAddress = { host: '127.0.0.1', port: 8081 };

/** Each plan by the generator of the namespace that it is for. */
export class NamespacedLoader implements Loader {
  readonly #core: number;
  readonly #generators = new Map<string, Generator>();

  constructor(core: number) {
    this.#core = core;
  }

  /** Starts the generator for what goes to `address` from within the namespace. */
  async add(address: SocketAddress, { prefix }: BenchNamespace): Promise<void> {
    const generator = await Generator.start(this.#core, prefix);
    this.#generators.set(formatSocketAddress(address), generator);
  }

  run(plan: LoadPlan): Promise<LoadResult> {
    const generator = this.#generators.get(formatSocketAddress(plan.to));
    if (generator === undefined) throw new Error(`nobody sends to ${formatSocketAddress(plan.to)}`);
    return generator.run(plan);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#generators.values()].map((one) => one.stop()));
  }
}

/** Starts the servers in their namespace, on `core`; resolves with how to stop them. */
export async function startServers(
  namespaces: BenchNamespaces,
  core: number,
): Promise<() => Promise<void>> {
  const scratch = new Scratch('servers');
  const [program = '', ...inside] = namespaces.serverPrefix;
  const servers = new PinnedProcess({
    program,
    args: [...inside, 'nginx', ...configureBackend(scratch, SERVER_BEHIND, [SERVER])],
    cores: String(core),
    stopSignal: 'SIGTERM',
  });
  const stop = async (): Promise<void> => {
    await servers.stop();
    scratch.remove();
  };
  try {
    await servers.untilReady(() => listens(servers, SERVER, 2), READY_MS);
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Whether so many processes are there, and one listens at `address` of their namespace. */
function listens({ pids }: PinnedProcess, address: SocketAddress, processes: number): boolean {
  const [pid] = pids;
  if (pid === undefined || pids.length < processes) return false;
  return listenerInodes(readFileSync(`/proc/${pid}/net/tcp`, 'latin1'), address).length > 0;
}

/** A proxy that is started in an arm's namespace. */
interface Recipe extends Pick<Peer, 'name' | 'missing' | 'version'> {
  /** The kernel redirects to it; else clients are told where it is. */
  readonly redirected: boolean;
  readonly start: (at: ArmPlace) => PinnedProcess;
  /** Where clients dial, once it is ready; undefined: not yet. */
  readonly addressOf: (process: PinnedProcess, at: ArmPlace) => SocketAddress | undefined;
}

interface ArmPlace {
  readonly namespace: BenchNamespace;
  /** What clients mean. */
  readonly server: SocketAddress;
  readonly topology: Topology;
  readonly cores: string;
  readonly scratch: Scratch;
}

/** The arms' peers, and the loader that reaches them. */
export function interceptingPeers(namespaces: BenchNamespaces, loader: NamespacedLoader): Peer[] {
  const peer = ({ missing, name, redirected, version, ...recipe }: Recipe): Peer => ({
    name,
    missing,
    carriesTcp: true,
    applies: () => undefined,
    version,
    start: async (topology, cores) => {
      const namespace = namespaces.arm();
      const server = { host: namespace.servers, port: SERVER.port };
      if (redirected) applyInterception(namespace);
      const scratch = new Scratch(name);
      const at = { namespace, server, topology, cores, scratch };
      const process = recipe.start(at);
      const stop = async (): Promise<void> => {
        await process.stop();
        scratch.remove();
      };
      try {
        const isThere = (): boolean => recipe.addressOf(process, at) !== undefined;
        const readyMs = await process.untilReady(isThere, READY_MS);
        const address = recipe.addressOf(process, at) ?? server;
        await loader.add(address, namespace);
        // Their admin servers are in namespaces of their own.
        return { name, address, pids: process.pids, readyMs, admins: [], stop } satisfies Arm;
      } catch (error) {
        await stop();
        throw error;
      }
    },
  });
  return [direct(namespaces, loader), ...[CULVERT, TOLD, TRANSPARENT_HAPROXY].map(peer)];
}

const direct = (namespaces: BenchNamespaces, loader: NamespacedLoader): Peer => ({
  name: 'direct',
  missing: () => undefined,
  carriesTcp: true,
  applies: () => undefined,
  version: () => '',
  start: async () => {
    const namespace = namespaces.arm();
    const address = { host: namespace.servers, port: SERVER.port };
    await loader.add(address, namespace);
    return {
      name: 'direct',
      address,
      pids: [],
      readyMs: 0,
      admins: [],
      stop: () => Promise.resolve(),
    };
  },
});

function startInside(at: ArmPlace, ...command: readonly string[]): PinnedProcess {
  const [program = '', ...args] = [...at.namespace.prefix, ...AS_PROXY, ...command];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:CULVERT|NODE)_/.test(name)),
  );
  // A cache of compiled code that its user may write.
  chownSync(at.scratch.directory, PROXY_UID, PROXY_UID);
  env['NODE_COMPILE_CACHE'] = path.join(at.scratch.directory, 'compiled');
  return new PinnedProcess({
    program,
    args,
    cores: at.cores,
    cwd: ROOT,
    env,
    stopSignal: 'SIGKILL',
  });
}

function startSidecar(at: ArmPlace, ...flags: readonly string[]): PinnedProcess {
  const launch = [process.execPath, ...nodeFlags('proxy/main.ts'), 'base/launch.mjs'];
  const common = ['--admin', '127.0.0.1:0', '--log-level', 'warn'];
  return startInside(at, ...launch, 'proxy/main.ts', ...flags, ...common);
}

/** What stand-alone has to be said of a server, for its bytes not to be read. */
const opaque = ({ server }: ArmPlace): readonly string[] => {
  const address = formatSocketAddress(server);
  return ['--to', `${address}=opaque://${address}`];
};

const CULVERT: Recipe = {
  name: 'culvert',
  redirected: true,
  missing: () => undefined,
  version: () => '',
  start: (at) => {
    const declared = at.topology.opaque === true ? opaque(at) : [];
    return startSidecar(at, '--intercept-outbound', formatSocketAddress(INTERCEPTING), ...declared);
  },
  addressOf: ({ firstLine }, { server }) => (firstLine === undefined ? undefined : server),
};

/** The sidecar as clients use it that are told where it is: what the kernel's part costs. */
const TOLD: Recipe = {
  name: 'culvert-told',
  redirected: false,
  missing: () => undefined,
  version: () => '',
  start: (at) => {
    const server = formatSocketAddress(at.server);
    const way =
      at.topology.opaque === true
        ? ['--inbound', '127.0.0.1:0', '--forward', `opaque://${server}`]
        : ['--outbound', '127.0.0.1:0', '--to', `${at.topology.authority}=${server}`];
    return startSidecar(at, ...way);
  },
  addressOf: ({ firstLine }) =>
    firstLine === undefined ? undefined : readReadyLine(firstLine).address,
};

const TRANSPARENT_HAPROXY: Recipe = {
  name: 'haproxy',
  redirected: true,
  missing: () => HAPROXY.missing(),
  version: () => HAPROXY.version(),
  start: (at) => {
    chmodSync(at.scratch.directory, 0o755);
    const mode = at.topology.opaque === true ? 'tcp' : 'http';
    // "*": to where the connection was going.
    const config = `global
  nbthread 1
  maxconn ${CONNECTIONS_MAX}
  no strict-limits
defaults
  mode ${mode}
  maxconn ${CONNECTIONS_MAX}
  timeout connect ${CONNECT_TIMEOUT_MS}ms
  timeout client ${CLIENT_IDLE_MS}ms
  timeout server ${SERVER_IDLE_MS}ms
listen front
  bind ${formatSocketAddress(INTERCEPTING)}
${mode === 'http' ? '  http-reuse always\n' : ''}  server any *
`;
    return startInside(at, 'haproxy', '-db', '-f', at.scratch.write('haproxy.cfg', config));
  },
  addressOf: (process, { server }) => (listens(process, INTERCEPTING, 1) ? server : undefined),
};
