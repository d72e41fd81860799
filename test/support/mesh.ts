/** A small mesh for tests: a controller, a directory of resources, sidecars, answering upstreams. */
import { randomInt } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MeshApi } from '../../cli/mesh-api.ts';
import { parseSocketAddress } from '../../base/settings.ts';
import { CheckStatus, ResourceKind, type CheckResult } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { eventually } from './deadline.ts';
import {
  NAMESPACE,
  deploymentResource,
  podResource,
  serviceResources,
  type PodAddress,
} from './mesh-resources.ts';
import { Program } from './program.ts';
import { parseSamples, type Sample } from './prometheus-text.ts';
import { okAnswer, readRequest } from './raw-http.ts';
import { PeerServer, splitAddress, unusedPort, type PeerLink } from './scripted-peer.ts';
import { Sidecar } from './sidecar.ts';

interface ControllerReady {
  readonly api: string;
  readonly proxyApi: string;
  readonly admin: string;
}

/** What the controller's /config.json says of one proxy. */
interface ProxyView {
  readonly pod?: string;
  readonly resources: readonly {
    readonly key: string;
    readonly sent: number;
    readonly acked: number;
  }[];
}

interface ConfigView {
  readonly services: readonly string[];
  readonly proxies: readonly ProxyView[];
}

/** Answered requests that the public API tells. */
export interface StatTotals {
  readonly success: number;
  readonly failure: number;
}

/** A pod with a sidecar and, behind it, an application that answers with the pod's name. */
export interface Replica extends PodAddress {
  readonly sidecar: Sidecar;
  readonly application: PeerServer;
}

/**
 * An address of this machine that nobody dials from: what listens there can always come back to
 * its port, and a dial to it while it is away cannot meet itself.
 */
const privateAddress = (): string =>
  process.platform === 'linux' ? `127.${randomInt(64, 128)}.${randomInt(1, 255)}.1` : '127.0.0.1';

export class Mesh {
  readonly directory: string;
  readonly #sidecars: Sidecar[] = [];
  readonly #applications: PeerServer[] = [];
  #writes = 0;
  #controller: Program | undefined;
  #addresses: ControllerReady;

  private constructor(directory: string, addresses: ControllerReady) {
    this.directory = directory;
    this.#addresses = addresses;
  }

  /** A mesh without a controller and without resources. */
  static async empty(): Promise<Mesh> {
    const directory = await mkdtemp(path.join(tmpdir(), 'culvert-mesh-'));
    const host = privateAddress();
    const fresh = `${host}:0`;
    // The one port that sidecars are told before the controller runs.
    const proxyApi = `${host}:${await unusedPort(host)}`;
    return new Mesh(directory, { api: fresh, proxyApi, admin: fresh });
  }

  /** A mesh with a running controller and without resources. */
  static async start(): Promise<Mesh> {
    const mesh = await Mesh.empty();
    try {
      await mesh.startController();
      return mesh;
    } catch (error) {
      await mesh.close();
      throw error;
    }
  }

  // ---- the controller ----

  get api(): string {
    return this.#addresses.api;
  }

  /** Where sidecars find the controller. */
  get proxyApi(): string {
    return this.#addresses.proxyApi;
  }

  /** Starts it, again on the ports that it had if it ran before. */
  async startController(): Promise<void> {
    const { api, proxyApi, admin } = this.#addresses;
    const ports = ['--api', api, '--proxy-api', proxyApi, '--admin', admin];
    this.#controller = new Program('controller/main.ts', ['--resources', this.directory, ...ports]);
    this.#addresses = await this.#controller.ready<ControllerReady>();
  }

  /** SIGKILL. */
  async killController(): Promise<void> {
    await this.#controller?.stop();
  }

  async #config(): Promise<ConfigView> {
    const response = await fetch(`http://${this.#addresses.admin}/config.json`);
    return (await response.json()) as ConfigView;
  }

  /** Waits until the controller has read the Service. */
  async knows(service: string): Promise<void> {
    const name = `${NAMESPACE}/${service}`;
    await eventually(`the controller to know ${name}`, async () =>
      (await this.#config()).services.includes(name),
    );
  }

  /** What the controller knows of the control stream of `pod`'s sidecar. */
  async proxy(pod: string): Promise<ProxyView | undefined> {
    return (await this.#config()).proxies.find((one) => one.pod === pod);
  }

  /** Waits until `pod`'s sidecar has acknowledged all that it asked for, `keys` of it or more. */
  async acked(pod: string, keys: number, deadlineMs = 20_000): Promise<void> {
    let last: ProxyView | undefined;
    await eventually(
      () => `${pod} to acknowledge ${keys} resources, last ${JSON.stringify(last)}`,
      async () => {
        last = await this.proxy(pod);
        const resources = last?.resources ?? [];
        return resources.length >= keys && resources.every(({ sent, acked }) => acked === sent);
      },
      deadlineMs,
    );
  }

  /** The version that `pod`'s sidecar has acknowledged last, of the resource named by `key`. */
  async ackedVersion(pod: string, key: string): Promise<number> {
    const resources = (await this.proxy(pod))?.resources ?? [];
    return resources.find((one) => one.key === key)?.acked ?? 0;
  }

  /** Does `change` and waits until `pod` has acknowledged what became of `key`. */
  async whenAcked(pod: string, key: string, change: () => Promise<void>): Promise<void> {
    const before = await this.ackedVersion(pod, key);
    await change();
    await eventually(
      `${pod} to acknowledge another version of ${key}`,
      async () => (await this.ackedVersion(pod, key)) > before,
      10_000,
    );
  }

  // ---- what the public API says ----

  async #ask<T>(question: (api: MeshApi) => Promise<T>): Promise<T> {
    const api = new MeshApi(parseSocketAddress(this.api)!, Date.now);
    try {
      return await question(api);
    } finally {
      api.close();
    }
  }

  /** Requests of the last hour into the Deployment `workload`, as its sidecars counted them. */
  async inboundTotals(workload: string): Promise<StatTotals> {
    return this.#totals(ResourceKind.RESOURCE_KIND_DEPLOYMENT, workload);
  }

  /** Requests of the last hour to the Service, as its callers' sidecars counted them. */
  async outboundTotals(service: string): Promise<StatTotals> {
    return this.#totals(ResourceKind.RESOURCE_KIND_SERVICE, service);
  }

  #totals(kind: ResourceKind, name: string): Promise<StatTotals> {
    const request = {
      resource: { kind, namespace: NAMESPACE, name },
      windowSeconds: 3_600,
      to: undefined,
      from: undefined,
    };
    return this.#ask(async (api) => {
      const { rows } = await api.statSummary(request);
      return { success: rows[0]?.success ?? 0, failure: rows[0]?.failure ?? 0 };
    });
  }

  /** The problems that the controller's self check finds with `id`. */
  async problems(id: string): Promise<readonly CheckResult[]> {
    const { results } = await this.#ask((api) => api.selfCheck());
    return results.filter((one) => one.id === id && one.status !== CheckStatus.CHECK_STATUS_OK);
  }

  // ---- resources ----

  file(name: string): string {
    return path.join(this.directory, `${name}.yaml`);
  }

  /** Puts `text` in place as one step. */
  async writeText(name: string, text: string): Promise<void> {
    const written = path.join(this.directory, `.${name}.${++this.#writes}`);
    await writeFile(written, text);
    await rename(written, this.file(name));
  }

  async write(name: string, resources: readonly object[]): Promise<void> {
    await this.writeText(
      name,
      resources.map((one) => JSON.stringify(one, undefined, 1)).join('\n---\n'),
    );
  }

  /** The Service `name` has exactly these endpoints from now on. */
  async publish(name: string, pods: readonly PodAddress[]): Promise<void> {
    await this.write(`service-${name}`, serviceResources(name, pods));
  }

  // ---- pods ----

  /** The flags of a sidecar of the pod. */
  flags(pod: string): string[] {
    return ['--controller', this.proxyApi, '--pod-namespace', NAMESPACE, '--pod-name', pod];
  }

  /** Ends it with the mesh. */
  keep(sidecar: Sidecar): Sidecar {
    this.#sidecars.push(sidecar);
    return sidecar;
  }

  async #declare(pod: string): Promise<void> {
    const workload = pod.replace(/-\d+$/, '');
    await this.write(`deployment-${workload}`, [deploymentResource(workload)]);
    await this.write(`pod-${pod}`, [podResource(workload, pod)]);
  }

  /** A pod `NAME-N` of the Deployment NAME whose application answers with the pod's name. */
  async replica(pod: string): Promise<Replica> {
    const application = await PeerServer.listen(answerWith(pod), { record: false });
    this.#applications.push(application);
    await this.#declare(pod);
    const sidecar = this.keep(await Sidecar.inbound(application.port, ...this.flags(pod)));
    return { pod, inbound: sidecar.inbound, sidecar, application };
  }

  /** A pod whose sidecar has an outbound listener and a way out to each service. */
  async caller(
    pod: string,
    services: readonly string[],
    { mortal = false, flags: more = [] as readonly string[] } = {},
  ): Promise<Sidecar> {
    await this.#declare(pod);
    const listen = ['--outbound', '127.0.0.1:0', ...services.flatMap(wayOut)];
    const flags = [...listen, ...this.flags(pod), ...more];
    return this.keep(await (mortal ? Sidecar.startMortal(...flags) : Sidecar.start(...flags)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#sidecars.map((one) => one.stop()));
    await this.killController();
    await Promise.all(this.#applications.map((one) => one.close()));
    await rm(this.directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The key under which a way out asks for its service. */
export const serviceKey = (service: string): string =>
  `${service}.${NAMESPACE}.svc.cluster.local:80`;

const wayOut = (service: string): readonly string[] => [
  '--way-out',
  `127.0.0.1:0=${serviceKey(service)}`,
];

/** Answers with `name`, and with so many spaces behind it as `?padding=N` asks for. */
const answerWith =
  (name: string) =>
  async (link: PeerLink): Promise<void> => {
    for (;;) {
      const { startLine } = await readRequest(link);
      const padding = Number(/\?padding=(\d+) /.exec(startLine)?.[1] ?? 0);
      await link.send(okAnswer(name + ' '.repeat(padding)));
    }
  };

/** The samples on the sidecar's /metrics. */
export const samplesOf = async (sidecar: Sidecar): Promise<Sample[]> =>
  parseSamples((await sidecar.admin('/metrics')).text);

/** The port of "127.0.0.1:4143". */
export const portOf = (address: string): number => splitAddress(address)[1];
