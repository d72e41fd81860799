/**
 * The network of `dev --network netns`: a network namespace a pod, and one for the bridge between
 * them. `open` once, then pods come and go, `close` once.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { nodeFlags } from '../../../base/node-flags.ts';
import { applyRules } from '../../../k8s/init/apply-rules.ts';
import type { ApplyRequest } from '../../../k8s/init/apply-rules.ts';
import { InitFailure } from '../../../k8s/init/failure.ts';
import { findSystemProgram, systemRunner } from '../../../k8s/init/runner.ts';
import type { Ran, Runner } from '../../../k8s/init/runner.ts';
import { Failure, messageOf } from '../../failure.ts';
import type { Program } from '../child.ts';

import type { DeploymentSpec, ServiceSpec } from '../manifest.ts';
import type { PodNetwork } from '../pod-network.ts';
import { HEADLESS, INTERCEPTING_PORTS } from '../pod-plan.ts';
import type { PodPlan } from '../pod-plan.ts';
import { answersReady } from '../readiness.ts';
import { enterAsApplication, enterAsSidecar, trialCommand } from './enter-namespace.ts';
import { listensAt } from './listening.ts';
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
  SIDECAR_UID,
} from './names.ts';
import { missingNeeds, rangeProblem, readRoutes } from './needs.ts';
import { bridgeCommands, gatewayOf, pinCommands, podCommands } from './network-plan.ts';
import type { Command, PinnedService } from './network-plan.ts';
import { etcFiles } from './pod-files.ts';
import { removeAll, removePod } from './removal.ts';
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
  /** The machine's programs. */
  readonly run: Runner;
  /** A sentence for the user. */
  readonly say: (line: string) => void;
}

const OUTBOUND_PORT = INTERCEPTING_PORTS[0];
const INBOUND_PORT = INTERCEPTING_PORTS[1];
const ADMIN_PORT = 4191;

const INTERCEPTION: ApplyRequest = {
  options: {
    proxyUid: SIDECAR_UID,
    inboundPort: INBOUND_PORT,
    outboundPort: OUTBOUND_PORT,
    adminPort: ADMIN_PORT,
    skipInboundPorts: [],
    skipOutboundPorts: [],
    skipSubnets: [],
  },
  backend: 'auto',
  // Pods have no IPv6 address but those of loopback and of the link.
  ipv6: 'off',
};

/** A `Failure` with what this machine lacks, a sentence each; nothing is made before. */
export function refuseWithoutNeeds(): void {
  const missing = missingNeeds(thisMachine());
  if (missing.length > 0) throw new Failure(missing.join('\n'));
}

/** See the file's comment. */
export class NamespaceNetwork implements PodNetwork {
  readonly #options: NamespaceNetworkOptions;
  readonly #stopping = new AbortController();

  /** Makes nothing yet; a `Failure` when an application would run as the sidecars do. */
  constructor(options: NamespaceNetworkOptions) {
    this.#options = options;
    for (const { container, name } of options.deployments) {
      if (container.runAsUser !== SIDECAR_UID) continue;
      throw new Failure(
        `Deployment ${name} runs as user ${SIDECAR_UID}, which is the sidecars' own: what that user sends is not intercepted; choose another`,
      );
    }
  }

  /** The machine's address, as pods reach it. */
  get gateway(): string {
    return gatewayOf(this.#options.ranges.pods);
  }

  /** Makes the bridge, after what an earlier run may have left is gone. Rejects with a `Failure`. */
  async open(): Promise<void> {
    const { ranges, run } = this.#options;
    await removeAll(run);
    const { stdout } = await run('ip', ['-4', '-json', 'route', 'show'], '');
    const problem = rangeProblem(ranges.pods, ranges.services, readRoutes(stdout));
    if (problem !== undefined) throw new Failure(problem);
    mkdirSync(CHECKOUT_VIEW, { recursive: true });
    // Whatever root's umask is, sidecars pass through here.
    chmodSync(path.dirname(CHECKOUT_VIEW), 0o755);
    mkdirSync(NAMESPACE_RECORDS, { recursive: true });
    if (!isMount(RUN_NETNS)) writeFileSync(RUN_NETNS_MADE, '');
    await this.#trySidecar();
    record(BRIDGE_NAMESPACE);
    await runAll(bridgeCommands(ranges.pods), run);
  }

  /** Takes everything away, and makes nothing any more. Rejects with a `Failure`. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await removeAll(this.#options.run);
  }

  async create(plan: PodPlan): Promise<void> {
    const { ranges, run } = this.#options;
    const networkNamespace = this.namespaceOf(plan);
    record(networkNamespace);
    this.#writeFiles(plan, networkNamespace);
    await runAll(podCommands({ networkNamespace, address: plan.address }, ranges.pods), run);
    if (plan.deployment.meshed) await this.#intercept(networkNamespace);
    else await runAll(pinCommands(this.#pinned(plan)), runnerIn(networkNamespace));
  }

  remove(plan: PodPlan): Promise<void> {
    return removePod(this.#options.run, this.namespaceOf(plan), bridgePortOf(plan.address));
  }

  sidecarFlags(): readonly string[] {
    return [
      ...['--intercept-outbound', `0.0.0.0:${OUTBOUND_PORT}`],
      ...['--intercept-inbound', `0.0.0.0:${INBOUND_PORT}`],
      // From the pod itself it is at loopback, as `meshctl await` expects it.
      ...['--admin', `0.0.0.0:${ADMIN_PORT}`],
    ];
  }

  application(program: Program, plan: PodPlan): Program {
    return enterAsApplication(
      program,
      this.namespaceOf(plan),
      plan.deployment.container.runAsUser,
    );
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

  async #intercept(networkNamespace: string): Promise<void> {
    const run = runnerIn(networkNamespace);
    const applied = await applyRules(INTERCEPTION, run, this.#stopping.signal);
    if (applied instanceof InitFailure) {
      throw new Failure(`no interception in ${networkNamespace}: ${applied.sentence}`);
    }
    for (const warning of applied.warnings) {
      this.#options.say(`${networkNamespace}: ${warning}`);
    }
  }

  /** The services that a pod without a sidecar calls. */
  #pinned(plan: PodPlan): readonly PinnedService[] {
    const { clusterIps, services } = this.#options;
    return plan.waysOut.flatMap(({ at, port, service }) => {
      const clusterIp = clusterIps[services.indexOf(service)];
      const none = clusterIp === undefined || service.clusterIp === HEADLESS;
      return none ? [] : [{ clusterIp, port: port.port, endpoint: at }];
    });
  }

  /** A sidecar that could not start would leave every pod without a network. */
  async #trySidecar(): Promise<void> {
    const { root, run } = this.#options;
    const node = [process.execPath, ...nodeFlags('proxy/main.ts')];
    const [program = '', ...args] = trialCommand(node, root);
    const { code, stderr } = await run(program, args, '');
    if (code === 0) return;
    const reason = /Error: .*|.*(denied|not permitted).*/.exec(stderr)?.[0] ?? stderr.trim();
    throw new Failure(
      `user ${SIDECAR_UID}, as which sidecars run, cannot run them (${reason}): let everybody read ${root}, with "chmod -R o+rX", and run ${process.execPath}`,
    );
  }
}

/** One after the other; a `Failure` with the first that fails. */
async function runAll(commands: readonly Command[], run: Runner): Promise<void> {
  for (const command of commands) {
    const [program = '', ...args] = command;
    const ran = await run(program, args, '');
    if (ran.code !== 0) throw new Failure(failedSentence(command, ran));
  }
}

/** Runs programs inside a namespace. */
const runnerIn = (networkNamespace: string): Runner =>
  systemRunner([findSystemProgram('ip') ?? 'ip', 'netns', 'exec', networkNamespace]);

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
