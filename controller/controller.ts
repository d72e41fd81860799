/**
 * The controller as one value: source -> state -> discovery, telemetry -> public API, and the
 * three ports they are served on.
 */
import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Server, ServerCredentials, logVerbosity, setLogVerbosity } from '@grpc/grpc-js';

import { MeshService } from '../api/gen/culvert/mesh/v1/mesh.ts';
import { ControlService } from '../api/gen/culvert/proxy/v1/control_service.ts';
import { TelemetryService as TelemetryApi } from '../api/gen/culvert/proxy/v1/telemetry_service.ts';
import type { Log } from '../base/log.ts';
import { flagName, formatSocketAddress } from '../base/settings.ts';
import type { SocketAddress } from '../base/settings.ts';
import { createAdminServer } from './admin/admin-server.ts';
import { meshHandlers } from './api/mesh-server.ts';
import type { ControllerView } from './controller-view.ts';
import { DiscoveryService } from './discovery/control-server.ts';
import { ownerOf } from './discovery/endpoints.ts';
import { resourceKey } from './resources/resource.ts';
import { portRanges } from './settings.ts';
import type { ControllerSettings } from './settings.ts';
import { ProblemLog } from './sources/problem-log.ts';
import { formatProblem } from './sources/source.ts';
import type { Snapshot, Source } from './sources/source.ts';
import { MeshState } from './state.ts';
import { TelemetryService } from './telemetry/report-server.ts';
import { TelemetryStore } from './telemetry/store.ts';
import { readVersion } from './version.ts';

const TICK_MS = 1_000;
/** Streams have this long to hear that the controller stops. */
const GOODBYE_MS = 200;

const GRPC_OPTIONS = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': 16 * 1_024 * 1_024,
};

/** What the controller asks of the machine. */
export interface Machine {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** 0 up to 1. */
  readonly random: () => number;
}

/** Where a running controller listens: "127.0.0.1:8085". */
export interface ControllerAddresses {
  readonly api: string;
  readonly proxyApi: string;
  readonly admin: string;
}

/** One controller; `start` once, then `stop` once. */
export class Controller {
  readonly #settings: ControllerSettings;
  readonly #log: Log;
  readonly #source: Source;
  readonly #state: MeshState;
  readonly #discovery: DiscoveryService;
  readonly #reports: TelemetryService;
  readonly #telemetry: TelemetryStore;
  readonly #admin: HttpServer;
  readonly #apiServer = new Server(GRPC_OPTIONS);
  readonly #proxyServer = new Server(GRPC_OPTIONS);
  #snapshot: Snapshot | undefined;
  #tickTimer: NodeJS.Timeout | undefined;
  #droppedSaid = 0;
  #listening = false;

  constructor(settings: ControllerSettings, source: Source, log: Log, machine: Machine) {
    const { now } = machine;
    this.#settings = settings;
    this.#source = source;
    this.#log = log;
    this.#state = new MeshState(portRanges(settings.defaultOpaquePorts) ?? []);
    const startedAtUs = now() * 1_000;
    const version = readVersion();
    this.#discovery = new DiscoveryService(
      this.#state,
      {
        epochUs: startedAtUs,
        controllerVersion: version,
        heartbeatMs: settings.heartbeatMs,
        drainMs: settings.drainMs,
        subscriptionsMax: settings.subscriptionsMax,
        streamAgeMsMax: settings.streamAgeMsMax,
      },
      { now: () => performance.now(), random: machine.random, log },
    );
    this.#telemetry = new TelemetryStore({
      now,
      startedAtUs,
      bytesMax: settings.telemetryBytesMax,
      ownerOf: (namespace, name) => {
        const pod = this.#state.current.pods.get(resourceKey(namespace, name));
        return pod && ownerOf(pod);
      },
    });
    this.#reports = new TelemetryService(this.#telemetry);
    const view: ControllerView = {
      version,
      startedAtUs,
      mesh: () => this.#state.current,
      snapshot: () => this.#snapshot,
      discovery: this.#discovery,
      telemetry: this.#telemetry,
      reports: this.#reports,
    };
    this.#admin = createAdminServer(view, now, () => this.#listening);
    this.#apiServer.addService(MeshService, meshHandlers(view, now));
    this.#proxyServer.addService(ControlService, this.#discovery.handlers());
    this.#proxyServer.addService(TelemetryApi, this.#reports.handlers());
  }

  /** Reads the source, then listens. Rejects with one sentence when a port cannot be had. */
  async start(): Promise<ControllerAddresses> {
    const problemLog = new ProblemLog(this.#log);
    await this.#source.start((snapshot) => {
      this.#snapshot = snapshot;
      this.#state.replace(snapshot.resources);
      const { addressConflicts } = this.#state.current;
      problemLog.update([...snapshot.problems.map(formatProblem), ...addressConflicts]);
    });
    const { api, proxyApi, admin } = this.#settings;
    const addresses = {
      api: await bindGrpc(this.#apiServer, 'api', api),
      proxyApi: await bindGrpc(this.#proxyServer, 'proxyApi', proxyApi),
      admin: await listenHttp(this.#admin, 'admin', admin),
    };
    this.#tickTimer = setInterval(() => this.#tick(), TICK_MS);
    this.#listening = true;
    return addresses;
  }

  /** Ends every stream and closes every port; takes less than a second. */
  async stop(): Promise<void> {
    this.#listening = false;
    clearInterval(this.#tickTimer);
    await this.#source.stop();
    this.#discovery.stop();
    this.#reports.stop();
    this.#admin.close();
    this.#admin.closeAllConnections();
    await Promise.all([shutDown(this.#apiServer), shutDown(this.#proxyServer)]);
  }

  #tick(): void {
    this.#discovery.tick();
    this.#telemetry.tick();
    const dropped = this.#telemetry.counters.droppedSeries;
    if (dropped === this.#droppedSaid) return;
    this.#droppedSaid = dropped;
    const hint = 'telemetry is at its cap and drops idle series; raise --telemetry-bytes-max';
    this.#log.warnRepeated('telemetry-cap', hint, { dropped });
  }
}

async function bindGrpc(server: Server, name: string, address: SocketAddress): Promise<string> {
  // What grpc-js would print of a failed bind is in the error below.
  setLogVerbosity(logVerbosity.NONE);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(
    formatSocketAddress(address),
    ServerCredentials.createInsecure(),
    (error, port) => (error === null ? resolve(port) : reject(bindError(name, address, error))),
  );
  return formatSocketAddress({ host: address.host, port: await promise });
}

async function listenHttp(
  server: HttpServer,
  name: string,
  address: SocketAddress,
): Promise<string> {
  server.listen(address.port, address.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw bindError(name, address, error);
  }
  const { port } = server.address() as AddressInfo;
  return formatSocketAddress({ host: address.host, port });
}

function bindError(name: string, address: SocketAddress, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  const why = message.includes('EADDRINUSE')
    ? 'another program listens there already'
    : message.includes('EACCES')
      ? 'this user may not'
      : message;
  const where = `${formatSocketAddress(address)} (--${flagName(name)})`;
  return new Error(`cannot listen on ${where}: ${why}; choose another address`, { cause });
}

async function shutDown(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => server.forceShutdown(), GOODBYE_MS);
  server.tryShutdown(() => resolve());
  const forced = setTimeout(resolve, 2 * GOODBYE_MS);
  await promise;
  clearTimeout(timer);
  clearTimeout(forced);
}
