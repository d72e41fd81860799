/**
 * The network of `dev --network netns`: a network namespace a pod, and one for the bridge between
 * them. `open` once, then pods come and go, `close` once.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../../../base/node-flags.ts';
import { applyRules } from '../../../k8s/init/apply-rules.ts';
import { InitFailure } from '../../../k8s/init/failure.ts';
import { findSystemProgram, systemRunner } from '../../../k8s/init/runner.ts';
import type { Ran, Runner } from '../../../k8s/init/runner.ts';
import { Failure, messageOf } from '../../failure.ts';
import type { SocketAddress } from '../../../base/settings.ts';
import type { Program } from '../child.ts';
import type { Environment } from '../environment.ts';
import type { Guardian } from '../guardian.ts';
import type { DeploymentSpec, ServiceSpec } from '../manifest.ts';
import type { PodNetwork } from '../pod-network.ts';
import { INTERCEPTING_PORTS } from '../pod-plan.ts';
import type { PodPlan } from '../pod-plan.ts';
import { answersReady } from '../readiness.ts';
import { enterAsApplication, enterAsSidecar, enterForTrial } from './enter-namespace.ts';
import { guardedRunner } from './guarded-runner.ts';
import { interceptionOf, waysPastSidecar } from './interception.ts';
import { listensAt } from './listening.ts';
import { seenFromPods } from './machine-address.ts';
import { nameHindrances } from './name-hindrances.ts';
import { serviceNetworks, SIDECAR_ADMIN_PORT } from './namespace-addresses.ts';
import type { NetworkRanges } from './namespace-addresses.ts';
import {
  BRIDGE_NAMESPACE,
  bridgePortOf,
  CHECKOUT_VIEW,
  ETC_NETNS,
  NAMESPACE_RECORDS,
  networkNamespaceOf,
  RUN_NETNS,
  RUN_NETNS_MADE,
  SIDECAR_CACHE,
  SIDECAR_UID,
} from './names.ts';
import { missingNeeds, rangeProblem, readRoutes } from './needs.ts';
import {
  bridgeCommands,
  gatewayOf,
  lowPortsCommand,
  pinCommands,
  podCommands,
} from './network-plan.ts';
import type { Command, NetworkLayout, PinnedService } from './network-plan.ts';
import { etcFiles } from './pod-files.ts';
import { removeAll, removePod } from './removal.ts';
import { trialFailure, trySidecar } from './sidecar-trial.ts';
import { thisMachine } from './this-machine.ts';

/** What the network is for. */
export interface NamespaceNetworkOptions {
  readonly ranges: NetworkRanges;
  readonly deployments: readonly DeploymentSpec[];
  readonly services: readonly ServiceSpec[];
  /** One for each service, undefined where it is headless. */
  readonly clusterIps: readonly (string | undefined)[];
  /** The checkout, absolute. */
  readonly root: string;
  /** What every program gets. */
  readonly environment: Environment;
  /** Knows every program that makes something. */
  readonly guardian: Guardian;
  /** A sentence for the user. */
  readonly say: (line: string) => void;
  /** Aborts when the run is to end: then nothing more is made. */
  readonly stop: AbortSignal;
}

const [OUTBOUND_PORT, INBOUND_PORT] = INTERCEPTING_PORTS;
/** Longer than any start takes, on any machine. */
const TRIAL_MS_MAX = 30_000;
/**
 * What a sidecar loads only when it has a controller. The trial has none, and loads this beside, so that
 * the compile cache of sidecars has it from the start.
 */
const CONTROL_MODULES = fileURLToPath(
  new URL('../../../proxy/control/controller-streams.ts', import.meta.url),
);
/** Of a sidecar that nobody asks for anything. */
const TRIAL_FLAGS =
  '--intercept-outbound 127.0.0.1:0 --admin 127.0.0.1:0 --drain-quiet-ms 0 --log-level warn';

/** A `Failure` with what this machine lacks, a sentence each; nothing is made before. */
export function refuseWithoutNeeds(): void {
  const missing = missingNeeds(thisMachine());
  if (missing.length > 0) throw new Failure(missing.join('\n'));
}

/** A `Failure` when an application would run as the sidecars do. */
export function refuseSidecarUser(deployments: readonly DeploymentSpec[]): void {
  const one = deployments.find(({ container }) => container.runAsUser === SIDECAR_UID);
  if (one === undefined) return;
  throw new Failure(
    `Deployment ${one.name} runs as user ${SIDECAR_UID}, which is the sidecars' own: what that user sends is not intercepted; choose another`,
  );
}

/** See the file's comment. */
export class NamespaceNetwork implements PodNetwork {
  readonly #options: NamespaceNetworkOptions;
  readonly #layout: NetworkLayout;
  readonly #run: Runner;
  #lowPortsRefused = false;

  /** Makes nothing yet. */
  constructor(options: NamespaceNetworkOptions) {
    const { clusterIps, guardian, ranges } = options;
    this.#options = options;
    this.#layout = { pods: ranges.pods, services: serviceNetworks(ranges, clusterIps) };
    this.#run = guardedRunner(guardian);
  }

  /** The machine's address, as pods reach it. */
  get gateway(): string {
    return gatewayOf(this.#options.ranges.pods);
  }

  /** Makes the bridge, after what an earlier run may have left is gone. Rejects with a `Failure`, or as `stop` says. */
  async open(): Promise<void> {
    const { ranges, say, stop } = this.#options;
    await removeAll(this.#run);
    const { stdout } = await this.#run('ip', ['-4', '-json', 'route', 'show'], '');
    const problem = rangeProblem(ranges.pods, ranges.services, readRoutes(stdout));
    if (problem !== undefined) throw new Failure(problem);
    for (const sentence of nameHindrances()) say(sentence);
    stop.throwIfAborted();
    makeDirectories();
    record(BRIDGE_NAMESPACE);
    const trial = this.#trySidecar();
    const bridge = runAll(bridgeCommands(this.#layout), this.#run, stop);
    // Neither may go on behind the back of who takes away what they made.
    await Promise.allSettled([trial, bridge]);
    await trial;
    await bridge;
  }

  /** Takes everything away. Rejects with a `Failure`. */
  close(): Promise<void> {
    // The guardian is gone by now.
    return removeAll(systemRunner());
  }

  async create(plan: PodPlan): Promise<void> {
    const { stop } = this.#options;
    stop.throwIfAborted();
    const networkNamespace = this.namespaceOf(plan);
    record(networkNamespace);
    this.#writeFiles(plan, networkNamespace);
    const place = { networkNamespace, address: plan.address };
    await runAll(podCommands(place, this.#layout), this.#run, stop);
    await this.#openLowPorts(networkNamespace);
    const run = this.#runnerIn(networkNamespace);
    const iptables = plan.deployment.meshed ? await this.#intercept(plan, run) : 'iptables';
    await runAll(pinCommands(this.#pinned(plan), iptables), run, stop);
  }

  remove(plan: PodPlan): Promise<void> {
    return removePod(this.#run, this.namespaceOf(plan), bridgePortOf(plan.address));
  }

  fromPods(listener: SocketAddress): SocketAddress {
    return seenFromPods(listener, this.gateway);
  }

  sidecarFlags(): readonly string[] {
    // From the pod itself the last is at loopback, as `meshctl await` expects it.
    return [
      '--intercept-outbound',
      `0.0.0.0:${OUTBOUND_PORT}`,
      '--intercept-inbound',
      `0.0.0.0:${INBOUND_PORT}`,
      '--admin',
      `0.0.0.0:${SIDECAR_ADMIN_PORT}`,
    ];
  }

  application(program: Program, plan: PodPlan): Program {
    return enterAsApplication(program, this.namespaceOf(plan), plan.deployment.container.runAsUser);
  }

  sidecar(program: Program, plan: PodPlan): Program {
    return enterAsSidecar(program, this.namespaceOf(plan), this.#options.root);
  }

  async isReady(plan: PodPlan, applicationPid: number | undefined): Promise<boolean> {
    if (applicationPid === undefined) return false;
    if (plan.admin !== undefined && !(await answersReady(plan.admin))) return false;
    const ports = plan.ports.map(({ application }) => application.port);
    return listensAt(applicationPid, this.namespaceOf(plan), ports);
  }

  /** The pod's network namespace, for `ip netns exec`. */
  namespaceOf(plan: PodPlan): string {
    return networkNamespaceOf(plan, this.#options.deployments);
  }

  #writeFiles(plan: PodPlan, networkNamespace: string): void {
    const directory = path.join(ETC_NETNS, networkNamespace);
    try {
      mkdirSync(directory, { recursive: true });
      for (const [name, text] of Object.entries(etcFiles(plan, this.gateway, readNsswitch()))) {
        // `ip netns exec` mounts over files: it complains of one that the machine does not have.
        if (!existsSync(path.join('/etc', name))) continue;
        const file = path.join(directory, name);
        writeFileSync(file, text);
        chmodSync(file, 0o644);
      }
    } catch (error) {
      throw new Failure(`cannot write the files of ${plan.name}: ${messageOf(error)}`);
    }
  }

  /** Where it cannot be, most programs do not miss it: those that run as root, or listen higher. */
  async #openLowPorts(networkNamespace: string): Promise<void> {
    const command = lowPortsCommand(networkNamespace);
    const [program = '', ...args] = command;
    const ran = await this.#run(program, args, '');
    if (ran.code === 0 || this.#lowPortsRefused) return;
    this.#lowPortsRefused = true;
    const why = failedSentence(command, ran);
    this.#options.say(`only root may listen on ports below 1024 of its pod: ${why}`);
  }

  /** The program that changes the table which the rules are in. */
  async #intercept(plan: PodPlan, run: Runner): Promise<string> {
    const networkNamespace = this.namespaceOf(plan);
    const applied = await applyRules(interceptionOf(plan), run, this.#options.stop);
    if (applied instanceof InitFailure) {
      throw new Failure(`no interception in ${networkNamespace}: ${applied.sentence}`);
    }
    for (const warning of applied.warnings) {
      this.#options.say(`${networkNamespace}: ${warning}`);
    }
    const [first] = applied.families;
    return first === undefined ? 'iptables' : `iptables-${first.backend}`;
  }

  /** The services that the pod calls without its sidecar, or has none. */
  #pinned(plan: PodPlan): readonly PinnedService[] {
    const { clusterIps, services } = this.#options;
    return waysPastSidecar(plan).flatMap(({ firstEndpoint: endpoint, port, service }) => {
      const clusterIp = clusterIps[services.indexOf(service)];
      return clusterIp === undefined || endpoint === undefined
        ? []
        : [{ clusterIp, port: port.port, endpoint }];
    });
  }

  /** Runs programs inside a namespace. */
  #runnerIn(networkNamespace: string): Runner {
    const ip = findSystemProgram('ip') ?? 'ip';
    return guardedRunner(this.#options.guardian, [ip, 'netns', 'exec', networkNamespace]);
  }

  /** A sidecar that could not start would leave every pod without a network. */
  async #trySidecar(): Promise<void> {
    const { environment, guardian, root, stop } = this.#options;
    const node = [process.execPath, ...nodeFlags('proxy/main.ts'), '--import', CONTROL_MODULES];
    const launcher = path.join(root, 'base', 'launch.mjs');
    const argv = [...node, launcher, 'proxy/main.ts', ...TRIAL_FLAGS.split(' ')];
    const program = enterForTrial({ argv, directory: root, environment }, root);
    const reason = await trySidecar({ program, guardian, deadlineMs: TRIAL_MS_MAX, stop });
    stop.throwIfAborted();
    if (reason !== undefined) throw trialFailure(reason, SIDECAR_UID, root);
  }
}

/** Whatever root's umask is, sidecars pass through here. */
function makeDirectories(): void {
  for (const directory of [path.dirname(CHECKOUT_VIEW), CHECKOUT_VIEW, SIDECAR_CACHE]) {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o755);
  }
  chownSync(SIDECAR_CACHE, SIDECAR_UID, SIDECAR_UID);
  mkdirSync(NAMESPACE_RECORDS, { recursive: true });
  if (!isMount(RUN_NETNS)) writeFileSync(RUN_NETNS_MADE, '');
}

/** One after the other, until `stop` aborts; a `Failure` with the first that fails. */
async function runAll(commands: readonly Command[], run: Runner, stop: AbortSignal): Promise<void> {
  for (const command of commands) {
    stop.throwIfAborted();
    const [program = '', ...args] = command;
    const ran = await run(program, args, '');
    if (ran.code !== 0) throw new Failure(failedSentence(command, ran));
  }
}

/** What is written down before it is made is found again, whatever happens in between. */
const record = (networkNamespace: string): void =>
  writeFileSync(path.join(NAMESPACE_RECORDS, networkNamespace), '');

const failedSentence = (command: Command, { code, missing, stderr }: Ran): string => {
  const why = missing ? 'is not installed' : stderr.trim() || `ended with code ${code ?? 'none'}`;
  return `"${command.join(' ')}" failed: ${why}`;
};

function readNsswitch(): string {
  try {
    return readFileSync('/etc/nsswitch.conf', 'utf8');
  } catch {
    // Without it the C library has its defaults.
    return '';
  }
}

/** proc(5), mountinfo: the fifth field is where it is mounted. */
function isMount(directory: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[4] === directory);
}
