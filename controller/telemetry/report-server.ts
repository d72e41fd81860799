/** The Telemetry service: each proxy's stream of reports into the store. */
import { status } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';

import type { TelemetryAck, TelemetryReport } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import type { TelemetryServer } from '../../api/gen/culvert/proxy/v1/telemetry_service.ts';
import type { ReportStream, TelemetryStore } from './store.ts';

type Call = ServerDuplexStream<TelemetryReport, TelemetryAck>;

/** All streams of reports of one controller. */
export class TelemetryService {
  readonly #store: TelemetryStore;
  readonly #calls = new Set<Call>();

  constructor(store: TelemetryStore) {
    this.#store = store;
  }

  /** Streams open now. */
  get streams(): number {
    return this.#calls.size;
  }

  /** The handlers to give to a gRPC server. */
  handlers(): TelemetryServer {
    return { report: (call) => this.#serve(call) };
  }

  /** Ends every stream. */
  stop(): void {
    for (const call of this.#calls) {
      endWith(call, status.UNAVAILABLE, 'the controller stops; reconnect');
    }
  }

  #serve(call: Call): void {
    this.#calls.add(call);
    const acks = new LatestAck(call);
    let stream: ReportStream | undefined;
    const close = (): void => {
      this.#calls.delete(call);
      stream?.end();
    };
    call.on('data', (report: TelemetryReport) => {
      if (!this.#calls.has(call)) return;
      stream ??= this.#open(report);
      const problem =
        stream === undefined ? 'the first report names no reporter' : stream.apply(report);
      if (problem === undefined) acks.send(report.sequence);
      else endWith(call, status.INVALID_ARGUMENT, problem);
    });
    call.on('end', () => {
      close();
      call.end();
    });
    call.on('cancelled', close);
    call.on('error', close);
  }

  #open({ reporter, epoch }: TelemetryReport): ReportStream | undefined {
    if (reporter === undefined || reporter.pod === '') return undefined;
    const namespace = reporter.namespace === '' ? 'default' : reporter.namespace;
    return this.#store.openStream({ ...reporter, namespace }, epoch);
  }
}

/** The error is how grpc-js is told the status to end a stream with. */
function endWith(call: Call, code: status, details: string): void {
  call.emit('error', { code, details });
}

/** One acknowledgement on its way; of those that wait, the latest stands for all. */
class LatestAck {
  readonly #call: Call;
  #waiting: number | undefined;
  #busy = false;

  constructor(call: Call) {
    this.#call = call;
  }

  send(sequence: number): void {
    this.#waiting = sequence;
    if (!this.#busy) this.#flush();
  }

  #flush(): void {
    if (this.#waiting === undefined || !this.#call.writable) return;
    const sequence = this.#waiting;
    this.#waiting = undefined;
    this.#busy = true;
    this.#call.write({ sequence }, () => {
      this.#busy = false;
      this.#flush();
    });
  }
}
