/**
 * All that a sidecar loads only when it has a controller: one connection to it, with the control stream
 * and the telemetry stream. They begin and end together.
 *
 *   dial ─ open ─> control stream, reports ─ either end of the control stream, or GOAWAY ─> ended
 *     └─ failed ────────────────────────────────────────────────────────────────────────────┘
 */
import type { SocketAddress } from '../../base/settings.ts';
import type { Meter } from '../observe/meter.ts';
import type { SharedCounts } from '../observe/shared-counts.ts';
import { resolveBySystem } from '../route/dns.ts';
import { type ControlEvents, ControlSession, type ProxyIdentity } from './control-session.ts';
import type { GrpcConnection, GrpcSockets } from './grpc/grpc-connection.ts';
import { GrpcDial } from './grpc/grpc-dial.ts';
import { type ReportSession, openReportSession } from './report-session.ts';

/** What the streams need. */
export interface StreamsParts {
  readonly sockets: GrpcSockets;
  readonly controller: SocketAddress;
  readonly identity: ProxyIdentity;
  readonly meter: Meter;
  /** Of every data thread. */
  readonly counts: readonly SharedCounts[];
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** What the owner of the streams hears; `ended` also when the controller could not be reached. */
export interface StreamsEvents extends ControlEvents {
  /** The control stream is there; subscriptions may be sent. */
  opened(session: ControlSession): void;
}

/** Both streams, or the dial for them. */
export class ControllerStreams {
  readonly #parts: StreamsParts;
  readonly #events: StreamsEvents;
  readonly #dial: GrpcDial;
  #control: ControlSession | undefined = undefined;
  #reports: ReportSession | undefined = undefined;
  #over = false;

  constructor(parts: StreamsParts, events: StreamsEvents) {
    this.#parts = parts;
    this.#events = events;
    const { controller, random, sockets } = parts;
    this.#dial = new GrpcDial({ ...sockets, random, resolve: resolveBySystem }, controller, {
      opened: (connection) => this.#opened(connection),
      failed: (reason) => this.#end(reason),
      leaving: () => this.#end('the controller is going away'),
    });
  }

  /** Ends both; nothing more is heard. */
  close(): void {
    this.#over = true;
    this.#control?.close();
    this.#reports?.close();
    this.#dial.close();
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.close();
    this.#events.ended(reason);
  }

  #opened(connection: GrpcConnection): void {
    const { counts, identity, meter } = this.#parts;
    const ended = (reason: string): void => this.#end(reason);
    this.#control = new ControlSession(connection, identity, { ...this.#events, ended });
    this.#reports = openReportSession(connection, { identity, meter, counts });
    this.#events.opened(this.#control);
  }
}
