import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatSocketAddress } from '../../base/settings.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { findTaken } from '../dev/address-space.ts';
import { watchAncestors } from '../dev/ancestors.ts';
import { systemClock } from '../dev/clock.ts';
import type { ControllerAddresses } from '../dev/controller-runner.ts';
import { serveControl } from '../dev/control-socket.ts';
import type { Carry } from '../dev/control-socket.ts';
import { baseEnvironment } from '../dev/environment.ts';
import { LocalMesh } from '../dev/local-mesh.ts';
import { claimLoopback } from '../dev/loopback-place.ts';
import { readManifests } from '../dev/manifest.ts';
import type { Manifest } from '../dev/manifest.ts';
import type { MeshPlace } from '../dev/mesh-place.ts';
import type { IpRange } from '../dev/netns/ip-range.ts';
import { PodPlanner } from '../dev/pod-planner.ts';
import { Rollouts } from '../dev/rollouts.ts';
import { removeAbandoned } from '../dev/state-owner.ts';
import { StopSignals } from '../dev/stop-signals.ts';
import { podJson, renderSummary, summaryJson } from '../dev/summary.ts';
import type { MeshStanding } from '../dev/summary.ts';
import { Failure, usageFailure } from '../failure.ts';
import type { Output } from '../output.ts';

/** What the user asked of `dev`. */
export interface DevOptions {
  /** Manifests to run; the demo's when empty. Relative to the working directory. */
  readonly file: readonly string[];
  readonly network: 'loopback' | 'netns';
  /** With netns: where pods get their addresses from, and services. */
  readonly podRange: IpRange;
  readonly serviceRange: IpRange;
  /** With netns: remove what an earlier run left, and run nothing. */
  readonly clean: boolean;
  readonly singleAddress: boolean;
  readonly logs: boolean;
  readonly output: 'table' | 'json';
  readonly api: SocketAddress;
  readonly proxyApi: SocketAddress;
  readonly controllerAdmin: SocketAddress;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEMO = path.join(ROOT, 'examples', 'demo', 'demo.yaml');
const API_PORT = 8085;

/**
 * `meshctl dev`: runs the manifest until a signal asks it to stop. Resolves to the exit code, when
 * nothing of the mesh is left; rejects with a `Failure` when it cannot start.
 */
export async function runDev(
  options: DevOptions,
  output: Output,
  wallClockMs: () => number,
): Promise<number> {
  if (options.clean || options.singleAddress) refuseOtherNetwork(options);
  if (options.clean) {
    const { cleanNamespaces } = await import('../dev/netns/namespace-place.ts');
    await cleanNamespaces((line) => output.err(`${line}\n`));
    output.out('nothing of "meshctl dev --network netns" is left on this machine\n');
    return 0;
  }
  const signals = new StopSignals(systemClock.nowMs);
  const endSignals = signals.listen();
  const endAncestors = await watchAncestors(process.env, () => signals.request());
  // Whoever read our output may be gone; that must not keep us from ending what we started.
  process.stdout.removeAllListeners('error').on('error', () => {});
  process.stderr.on('error', () => {});
  try {
    await runMesh(options, output, signals, wallClockMs);
    return 0;
  } finally {
    endAncestors();
    endSignals();
  }
}

function refuseOtherNetwork({ clean, network, singleAddress }: DevOptions): void {
  if (clean && network !== 'netns') {
    throw usageFailure('--clean is for --network netns: on loopback nothing is left to remove');
  }
  if (singleAddress && network !== 'loopback') {
    throw usageFailure('--single-address is for --network loopback');
  }
}

async function runMesh(
  options: DevOptions,
  output: Output,
  signals: StopSignals,
  wallClockMs: () => number,
): Promise<void> {
  const files = options.file.length === 0 ? [DEMO] : options.file.map((file) => path.resolve(file));
  // Progress is for the reader of the table; with JSON, stdout is for the one line of it.
  const say = (line: string): void =>
    (options.output === 'json' ? output.err : output.out)(`${line}\n`);

  const manifest = readManifests(files);
  for (const warning of manifest.warnings) say(warning);
  removeAbandoned(tmpdir(), process.getuid?.(), (directory) =>
    say(`removed ${directory}, which a killed run had left`),
  );
  signals.stop.addEventListener('abort', () => say('stopping'), { once: true });
  let place: MeshPlace;
  try {
    place = await claimPlace(options, manifest, say, signals.stop);
  } catch (error) {
    // A start that was interrupted by a signal has not failed.
    if (error === signals.stop.reason) return;
    throw error;
  }
  try {
    await refuseTaken(place.listen);
    await runAt(place, { options, files, manifest, output, signals, say, wallClockMs });
  } finally {
    await place.release();
  }
}

function claimPlace(
  options: DevOptions,
  manifest: Manifest,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<MeshPlace> {
  const { api, proxyApi, controllerAdmin: admin, podRange, serviceRange } = options;
  const environment = baseEnvironment(ROOT, process.env);
  const asked = { manifest, environment, listen: { api, proxyApi, admin } };
  if (options.network === 'loopback') {
    const singleAddress = options.singleAddress || process.platform !== 'linux';
    return claimLoopback({ ...asked, singleAddress });
  }
  const ranges = { pods: podRange, services: serviceRange };
  return import('../dev/netns/namespace-place.ts').then(({ claimNamespaces }) =>
    claimNamespaces({ ...asked, root: ROOT, ranges, say, stop }),
  );
}

interface Running {
  readonly options: DevOptions;
  /** Absolute paths of the manifest's files. */
  readonly files: readonly string[];
  readonly manifest: Manifest;
  readonly output: Output;
  readonly signals: StopSignals;
  readonly say: (line: string) => void;
  readonly wallClockMs: () => number;
}

/** Runs the mesh at its place, from the first process to the last. */
async function runAt(place: MeshPlace, running: Running): Promise<void> {
  const { options, files, manifest, output, signals, say, wallClockMs } = running;
  const { environment, guardian, listen, network, pods, resources, space } = place;
  const mesh = new LocalMesh({
    root: ROOT,
    environment,
    files,
    resources,
    manifest,
    pods,
    network,
    guardian,
    listen,
    logs: options.logs,
    say,
    wallClockMs,
  });
  let endControl: (() => void) | undefined;
  let ending = false;
  void mesh.guardianGone.then(() => ending || signals.request());
  try {
    say(`starting the controller and ${pods.length} pods`);
    place.usePods(() => mesh.stayingPods);
    const addresses = await mesh.start(signals.stop);
    const planner = new PodPlanner(manifest, space, pods);
    const rollouts = new Rollouts(mesh, planner, manifest.deployments, signals.stop);
    const carry: Carry = async (question, tell) => {
      const pods = await rollouts.restart(question, (line) => {
        say(line);
        tell(line);
      });
      return pods.map(podJson);
    };
    endControl = await serveControl(mesh.stateDirectory, carry, say);
    const standing: MeshStanding = {
      pods: mesh.pods,
      controller: { ...addresses, pid: mesh.controllerPid },
      singleAddress: space.single,
      tryCommands: place.tryCommands,
      stateDirectory: mesh.stateDirectory,
      apiIsDefault: addresses.api.port === API_PORT,
    };
    if (options.output === 'json') output.out(`${JSON.stringify(summaryJson(standing))}\n`);
    else output.out(renderSummary(standing));
    await aborted(signals.stop);
  } catch (error) {
    // Nor has one that was further.
    if (!signals.stop.aborted) throw error;
  } finally {
    ending = true;
    place.beginEnd();
    endControl?.();
    await mesh.stop(signals.stopAtOnce);
  }
}

async function refuseTaken(listen: ControllerAddresses): Promise<void> {
  const flags = { api: '--api', proxyApi: '--proxy-api', admin: '--controller-admin' } as const;
  for (const name of ['api', 'proxyApi', 'admin'] as const) {
    if ((await findTaken([listen[name]])) === undefined) continue;
    throw new Failure(
      `${formatSocketAddress(listen[name])} is taken, perhaps by another mesh on this machine: stop it, or choose another address with ${flags[name]} 127.0.0.1:0`,
    );
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
