/** A controller in the test's own process: it records what proxies say and says what it is told. */
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import {
  type ControllerMessage,
  type ProxyMessage,
} from '../../api/gen/culvert/proxy/v1/control.ts';
import { ControlService } from '../../api/gen/culvert/proxy/v1/control_service.ts';
import {
  type TelemetryAck,
  type TelemetryReport,
} from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { TelemetryService } from '../../api/gen/culvert/proxy/v1/telemetry_service.ts';
import { eventually } from './deadline.ts';

type Said = NonNullable<ProxyMessage['message']>;
type ValueOf<Case extends Said['$case']> = Extract<Said, { $case: Case }>['value'];
type Say = NonNullable<ControllerMessage['message']>;

/** One control stream of a proxy. */
export class FakeControlStream {
  readonly messages: Said[] = [];
  ended = false;
  readonly #call: ServerDuplexStream<ProxyMessage, ControllerMessage>;

  constructor(call: ServerDuplexStream<ProxyMessage, ControllerMessage>) {
    this.#call = call;
    call.on('data', ({ message }: ProxyMessage) => {
      if (message !== undefined) this.messages.push(message);
    });
    call.on('cancelled', () => (this.ended = true));
    call.on('end', () => {
      this.ended = true;
      call.end();
    });
    call.on('error', () => (this.ended = true));
  }

  say(message: Say): void {
    this.#call.write({ message });
  }

  welcome(heartbeatMs: number): void {
    const value = { protocolVersion: 1, controllerVersion: '0', heartbeatMs };
    this.say({ $case: 'welcome', value });
  }

  end(): void {
    this.#call.end();
  }

  /** Ends the stream with UNAVAILABLE. */
  fail(): void {
    this.#call.emit('error', { code: status.UNAVAILABLE, details: 'going away' });
  }

  /** All messages of a kind, in order. */
  of<Case extends Said['$case']>($case: Case): ValueOf<Case>[] {
    return this.messages
      .filter((one) => one.$case === $case)
      .map(({ value }) => value as ValueOf<Case>);
  }
}

/** Serves on loopback from `listen` to `stop`; may listen again on its port. */
export class FakeController {
  readonly streams: FakeControlStream[] = [];
  /** Reports of each telemetry stream, in the order of the streams. */
  readonly reports: TelemetryReport[][] = [];
  /** The other ends of the connections that streams came on. */
  readonly peers = new Set<string>();
  port = 0;
  #server: Server | undefined;

  async listen(): Promise<void> {
    const server = new Server();
    server.addService(ControlService, {
      connect: (call: ServerDuplexStream<ProxyMessage, ControllerMessage>) => {
        this.peers.add(call.getPeer());
        this.streams.push(new FakeControlStream(call));
      },
    });
    server.addService(TelemetryService, {
      report: (call: ServerDuplexStream<TelemetryReport, TelemetryAck>) => {
        const received: TelemetryReport[] = [];
        this.peers.add(call.getPeer());
        this.reports.push(received);
        call.on('data', (report: TelemetryReport) => {
          received.push(report);
          call.write({ sequence: report.sequence });
        });
        call.on('end', () => call.end());
        call.on('error', () => undefined);
      },
    });
    this.#server = server;
    this.port = await new Promise<number>((resolve, reject) => {
      const address = `127.0.0.1:${this.port}`;
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  /** Says GOAWAY; resolves when every proxy has left. */
  async drain(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.tryShutdown(() => resolve());
    });
  }

  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  /** The n-th control stream, from 1. */
  async stream(n: number): Promise<FakeControlStream> {
    return eventually(`control stream ${n}`, () => this.streams[n - 1]);
  }
}
