/**
 * `meshctl dev --network netns` for tests: a mesh, its pods from inside, and what it may leave on a
 * machine, looked for without asking it. There is one such mesh a machine: one test file at a time.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missingNeeds } from '../../cli/dev/netns/needs.ts';
import { thisMachine } from '../../cli/dev/netns/this-machine.ts';
import { eventually } from './deadline.ts';
import { DevMesh } from './dev-mesh.ts';
import type { DevPod } from './dev-mesh.ts';

/** Why namespaces cannot be made here, as the `skip` of a test; false when they can. */
export function withoutNamespaces(): string | false {
  const missing = missingNeeds(thisMachine());
  return missing.length > 0 && missing.join(' ');
}

const namesIn = (directory: string): readonly string[] =>
  existsSync(directory) ? readdirSync(directory) : [];

/** Other tests have namespaces of their own at the same time. */
const isOfRun = (name: string): boolean => /^culvert-(?!test-)/.test(name);

/** Namespaces, links, mounts and files of a run, a line each; none when there is no run. */
export function leftovers(): readonly string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const ownMount = /\/(run|etc)\/(netns\/)?culvert-(?!test-)/;
  return [
    ...namesIn('/run/netns').filter(isOfRun),
    ...namesIn('/etc/netns').filter(isOfRun),
    ...namesIn('/sys/class/net').filter((name) => name === 'culvert0'),
    ...namesIn('/run').filter((name) => name === 'culvert-netns'),
    ...mounts.filter((line) => ownMount.test(line)),
  ];
}

/** Whether the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Process ids of the children of `pid`. */
export const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

const run = promisify(execFile);
const RUN_MS = 20_000;
const OUTPUT_BYTES_MAX = 2 ** 24;

/** What a program writes that runs on the machine itself: outside of every pod. */
export async function onMachine(...argv: readonly string[]): Promise<string> {
  const [program = '', ...args] = argv;
  return (await run(program, args, { timeout: RUN_MS, maxBuffer: OUTPUT_BYTES_MAX })).stdout;
}

/** What a program writes that runs in a pod, as somebody starts it who looks around there. */
export const inPod = (pod: string, ...argv: readonly string[]): Promise<string> =>
  onMachine('ip', 'netns', 'exec', `culvert-${pod}`, ...argv);

/** The status with which `url` is answered in a pod; rejects when it is not. */
export const statusIn = (pod: string, url: string): Promise<string> =>
  inPod(pod, 'curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', '--max-time', '10', url);

/** The demo's manifest. */
export const DEMO = fileURLToPath(new URL('../../examples/demo/demo.yaml', import.meta.url));

/** Flags of `dev`. */
export const NETNS: readonly string[] = ['--network', 'netns'];

/** The demo, and a pod `caller-1` in its namespace. Use with `await using`. */
export const startDemo = (): Promise<DevMesh> => DevMesh.start(DEMO, 'demo', NETNS);

/** The first pod of a Deployment, before any restart. */
export function podOf(dev: DevMesh, deployment: string): DevPod {
  const [pod] = dev.pods(deployment);
  if (pod === undefined) throw new Error(`there is no pod of ${deployment}`);
  return pod;
}

/** The machine's address, as pods reach it. */
export const gatewayFor = (dev: DevMesh): string =>
  podOf(dev, 'caller').address.replace(/\.\d+\.\d+$/, '.0.1');

/** Every process of the mesh but `dev` itself, before any restart. */
export const pidsOf = ({ ready }: DevMesh): readonly number[] => [
  ready.controller.pid,
  ...ready.pods.flatMap(({ applicationPid, sidecarPid }) => [applicationPid, sidecarPid]),
];

/** Waits until neither one of the processes is there nor anything else of a run. */
export const untilNothingIsLeft = (pids: readonly number[]): Promise<unknown> =>
  eventually(
    () => `nothing to be left: ${[...leftovers(), ...pids.filter(isAlive)].join(', ')}`,
    () => leftovers().length === 0 && !pids.some(isAlive),
  );
