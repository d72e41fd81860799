/** Our sidecar with its control link: a controller of its own tells it where a Service's pods are. */
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SocketAddress } from '../../base/settings.ts';
import type { ArmName } from '../model.ts';
import { culvert } from './culvert.ts';
import type { Peer } from './peer.ts';
import { PinnedProcess } from './pinned-process.ts';
import { Scratch } from './scratch.ts';

const NAMESPACE = 'bench';
const POD = 'caller';
const READY_MS = 15_000;

/** A controller that knows one Service and one meshed pod that calls it. */
export interface ControlPlane {
  /** The calling pod's sidecar as an outbound arm; it asks the controller for its backends. */
  readonly peer: (name: ArmName) => Peer;
  /** From now on the Service has these endpoints. */
  publish(endpoints: readonly SocketAddress[]): void;
  /** Updates that sidecars have taken so far, as the controller counts them. */
  updatesTaken(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a controller on `core`; requests name the Service `authority` at port 80. */
export async function startControlPlane(
  authority: string,
  endpoints: readonly SocketAddress[],
  core: number,
): Promise<ControlPlane> {
  const scratch = new Scratch('control');
  const publish = (current: readonly SocketAddress[]): void =>
    replace(path.join(scratch.directory, 'mesh.json'), resources(authority, current));
  publish(endpoints);
  const controller = new PinnedProcess({
    program: process.execPath,
    args: [
      'base/launch.mjs',
      'controller/main.ts',
      '--resources',
      scratch.directory,
      ...['--api', '--proxy-api', '--admin'].flatMap(anyPort),
    ],
    cores: String(core),
    cwd: path.resolve(import.meta.dirname, '../..'),
    stopSignal: 'SIGKILL',
  });
  const stop = async (): Promise<void> => {
    await controller.stop();
    scratch.remove();
  };
  try {
    await controller.untilReady(() => controller.firstLine !== undefined, READY_MS);
    const { admin, proxyApi } = JSON.parse(controller.firstLine ?? '') as {
      readonly admin: string;
      readonly proxyApi: string;
    };
    const pod = ['--pod-namespace', NAMESPACE, '--pod-name', POD];
    const args = ['--controller', proxyApi, ...pod];
    return {
      peer: (name) => ({ ...culvert({ name, args, controlled: true }), name }),
      publish,
      updatesTaken: () => acksOf(admin),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function acksOf(admin: string): Promise<number> {
  const url = `http://${admin}/metrics`;
  const page = await (await fetch(url, { signal: AbortSignal.timeout(READY_MS) })).text();
  const count = /^control_acks_total(?:\{[^}]*\})? (\d+)$/m.exec(page)?.[1];
  if (count === undefined) throw new Error(`${url} has no control_acks_total`);
  return Number(count);
}

const anyPort = (flag: string): readonly string[] => [flag, '127.0.0.1:0'];

const metadata = (name: string, labels: object = {}): object => ({
  namespace: NAMESPACE,
  name,
  labels,
});

/** In one step: the controller never reads half a file. */
function replace(file: string, content: object): void {
  const next = `${file}.next`;
  writeFileSync(next, JSON.stringify(content));
  renameSync(next, file);
}

/** A Service whose endpoints differ in port has a slice for each of them. */
function resources(service: string, endpoints: readonly SocketAddress[]): object {
  const slices = endpoints.map(({ host, port }) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadata(`${service}-${port}`, { 'kubernetes.io/service-name': service }),
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
  }));
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(POD, { 'culvert.dev/control-plane-ns': 'culvert' }),
    spec: { containers: [{ name: 'main' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const ports = [{ name: 'http', port: 80 }];
  const spec = { ports };
  const noted = { apiVersion: 'v1', kind: 'Service', metadata: metadata(service), spec };
  return { apiVersion: 'v1', kind: 'List', items: [noted, pod, ...slices] };
}
