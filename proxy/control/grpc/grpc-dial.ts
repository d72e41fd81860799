/**
 * From "host:port" of a gRPC server to an open connection. A name may have several addresses, of which
 * some do not answer: all are tried, from a random one on, so that callers spread over replicas and
 * nobody comes back to the same dead one first. Names are asked for anew each time.
 */
import { type SocketAddress, formatSocketAddress } from '../../../base/settings.ts';
import { MeshError } from '../../model/mesh-error.ts';
import type { Resolve } from '../../route/dns.ts';
import { GrpcConnection, type GrpcSockets } from './grpc-connection.ts';

/** While another address may answer sooner, and of the last: two SYNs may be lost. */
const CONNECT_MS = 1_000;
const LAST_CONNECT_MS = 5_000;

/** A log line tells no more of them. */
const REASONS_MAX = 4;

/** What a dial needs. */
export interface DialParts extends GrpcSockets {
  readonly resolve: Resolve;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** What the owner of a dial hears; never within the constructor, if `resolve` answers later. */
export interface DialEvents {
  /** Calls may be made. */
  opened(connection: GrpcConnection): void;
  /** No address could be had or answered: one sentence. Nothing after it. */
  failed(reason: string): void;
  /** The server of the open connection said GOAWAY. */
  leaving(): void;
}

/** One dial, and the connection that came of it. */
export class GrpcDial {
  readonly #parts: DialParts;
  readonly #server: SocketAddress;
  readonly #events: DialEvents;
  #connection: GrpcConnection | undefined = undefined;
  #closed = false;
  /** Of each address that was tried. */
  readonly #reasons: string[] = [];

  constructor(parts: DialParts, server: SocketAddress, events: DialEvents) {
    this.#parts = parts;
    this.#server = server;
    this.#events = events;
    const { host, port } = server;
    parts.resolve({ originalDst: undefined, authority: host, port }, ({ found }) => {
      if (this.#closed) return;
      if (found instanceof MeshError) return events.failed(found.sentence);
      const hosts = found.endpoints.map((endpoint) => endpoint.host);
      const first = Math.floor(parts.random() * hosts.length);
      this.#try([...hosts.slice(first), ...hosts.slice(0, first)], 0);
    });
  }

  /** Ends the dial, or the connection with its last call; nothing more is heard. */
  close(): void {
    this.#closed = true;
    this.#connection?.close();
  }

  #try(hosts: readonly string[], i: number): void {
    const { host: name, port } = this.#server;
    const host = hosts[i];
    if (host === undefined) return this.#events.failed(`No address of ${name} was found.`);
    const isLast = i + 1 === hosts.length;
    const connection = new GrpcConnection(
      this.#parts,
      { host, port },
      formatSocketAddress(this.#server),
      isLast ? LAST_CONNECT_MS : CONNECT_MS,
      {
        opened: () => this.#events.opened(connection),
        failed: (reason) => {
          if (this.#closed) return;
          this.#reasons.push(reason);
          if (!isLast) return this.#try(hosts, i + 1);
          this.#events.failed(this.#reason(hosts.length));
        },
        leaving: () => {
          if (!this.#closed) this.#events.leaving();
        },
      },
    );
    this.#connection = connection;
  }

  #reason(addresses: number): string {
    const told = this.#reasons.slice(0, REASONS_MAX).join(' ');
    if (addresses === 1) return told;
    return `None of the ${addresses} addresses of ${this.#server.host} answers. ${told}`;
  }
}
