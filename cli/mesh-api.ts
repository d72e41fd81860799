import { credentials, Metadata, status } from '@grpc/grpc-js';
import type { ClientUnaryCall, ServiceError } from '@grpc/grpc-js';
import { MeshClient } from '../api/gen/culvert/mesh/v1/mesh.ts';
import type {
  ListEndpointsRequest,
  ListEndpointsResponse,
  ListPodsResponse,
  SelfCheckResponse,
  StatSummaryRequest,
  StatSummaryResponse,
  VersionResponse,
} from '../api/gen/culvert/mesh/v1/mesh.ts';
import { formatSocketAddress } from '../base/settings.ts';
import type { SocketAddress } from '../base/settings.ts';
import { Failure } from './failure.ts';

const CALL_DEADLINE_MS = 5_000;

type Callback<T> = (error: ServiceError | null, response: T) => void;

/** The controller's public API as promises. Every rejection is a `Failure` with a plain sentence. */
export class MeshApi {
  readonly address: string;
  readonly #client: MeshClient;
  readonly #wallClockMs: () => number;
  readonly #deadlineMs: number;
  readonly #calls = new Set<ClientUnaryCall>();

  /** `wallClockMs`: milliseconds since 1970. */
  constructor(
    address: SocketAddress,
    wallClockMs: () => number,
    deadlineMs: number = CALL_DEADLINE_MS,
  ) {
    this.#wallClockMs = wallClockMs;
    this.address = formatSocketAddress(address);
    this.#deadlineMs = deadlineMs;
    this.#client = new MeshClient(this.address, credentials.createInsecure(), {
      // A proxy from the user's environment must not carry calls to this machine.
      'grpc.enable_http_proxy': 0,
    });
  }

  version(): Promise<VersionResponse> {
    return this.#call((metadata, options, done) =>
      this.#client.version({}, metadata, options, done),
    );
  }

  selfCheck(): Promise<SelfCheckResponse> {
    return this.#call((metadata, options, done) =>
      this.#client.selfCheck({}, metadata, options, done),
    );
  }

  /** Pods of `namespace`; of all of them when it is empty. */
  listPods(namespace: string): Promise<ListPodsResponse> {
    return this.#call((metadata, options, done) =>
      this.#client.listPods({ namespace }, metadata, options, done),
    );
  }

  /** What proxies are told of an authority; a `Failure` when it is no service and no pod. */
  listEndpoints(request: ListEndpointsRequest): Promise<ListEndpointsResponse> {
    return this.#call((metadata, options, done) =>
      this.#client.listEndpoints(request, metadata, options, done),
    );
  }

  statSummary(request: StatSummaryRequest): Promise<StatSummaryResponse> {
    return this.#call((metadata, options, done) =>
      this.#client.statSummary(request, metadata, options, done),
    );
  }

  /** Ends calls under way as well: they would keep the process. */
  close(): void {
    for (const call of this.#calls) call.cancel();
    this.#client.close();
  }

  #call<T>(
    start: (metadata: Metadata, options: { deadline: Date }, done: Callback<T>) => ClientUnaryCall,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const deadline = new Date(this.#wallClockMs() + this.#deadlineMs);
      const call = start(new Metadata(), { deadline }, (error, response) => {
        this.#calls.delete(call);
        if (error === null) resolve(response);
        else reject(apiFailure(error, this.address, this.#deadlineMs));
      });
      this.#calls.add(call);
    });
  }
}

function apiFailure(error: ServiceError, address: string, deadlineMs: number): Failure {
  switch (error.code) {
    case status.UNAVAILABLE: {
      // grpc-js wraps the system's word in sentences of its own.
      const code = /\bE[A-Z]{4,}\b/.exec(error.details)?.[0];
      const why = code === 'ECONNREFUSED' ? 'nothing listens there' : (code ?? error.details);
      return new Failure(
        `cannot reach the mesh API at ${address}: ${why}; start a mesh with "npm start", or say where it is with --api ADDRESS:PORT`,
      );
    }
    case status.DEADLINE_EXCEEDED:
      return new Failure(
        `the mesh API at ${address} did not answer within ${deadlineMs / 1_000} s; look at the controller's log, or say where the API is with --api ADDRESS:PORT`,
      );
    case status.UNIMPLEMENTED:
      return new Failure(
        `${address} does not speak this mesh's API (${error.details}); use the meshctl of the controller's version, or another --api ADDRESS:PORT`,
      );
    case status.NOT_FOUND:
      return new Failure(error.details);
    default:
      return new Failure(`the mesh API at ${address} refused the call: ${error.details}`);
  }
}
