/**
 * One control stream: Hello, Welcome, then subscriptions out and updates in, with heartbeats both
 * ways.
 */
import assert from 'node:assert/strict';
import { ControllerMessage, ProxyMessage } from '../../api/gen/culvert/proxy/v1/control.ts';
import { OK, describeStatus } from '../codec/grpc/status.ts';
import type { Target } from '../model/destination.ts';
import type { Resource, ResourceVersion } from '../model/thread.ts';
import type { GrpcCall, StreamMethod } from './grpc/grpc-call.ts';
import type { GrpcConnection } from './grpc/grpc-connection.ts';
import { type PodResource, readDestination, readInbound, readNoSuchService } from './resources.ts';
import { PROXY_VERSION } from './version.ts';

const PROTOCOL_VERSION = 1;
/** Until the Welcome says it. */
const HEARTBEAT_MS = 5_000;
const MISSED_MAX = 3;

/** Control.Connect of the proto. */
export const CONTROL_CONNECT: StreamMethod<ProxyMessage, ControllerMessage> = {
  path: '/culvert.proxy.v1.Control/Connect',
  encode: (message) => ProxyMessage.encode(message).finish(),
  decode: (bytes) => ControllerMessage.decode(bytes),
};

/** Who this proxy is, as Hello and telemetry say it. */
export interface ProxyIdentity {
  readonly namespace: string;
  readonly pod: string;
  /** Random, new at each start of the process. */
  readonly instance: string;
}

/** What the owner of a stream hears. */
export interface ControlEvents {
  /** Anything came. */
  heard(): void;
  welcomed(): void;
  update(key: string, version: ResourceVersion, resource: Resource): void;
  /** The proxy's own pod, or why what was said of it cannot be used. */
  inbound(pod: PodResource | string, version: ResourceVersion): void;
  /** Once, and nothing after it. */
  ended(reason: string): void;
}

/** A stream that is there from the start: subscriptions may be sent at once. */
export class ControlSession {
  welcomed = false;
  readonly #events: ControlEvents;
  readonly #call: GrpcCall<ProxyMessage, ControllerMessage>;
  #ended = false;
  #heardMs = performance.now();
  #heartbeatMs = HEARTBEAT_MS;
  #beat: NodeJS.Timeout;

  /** On a connection that is open. */
  constructor(connection: GrpcConnection, identity: ProxyIdentity, events: ControlEvents) {
    this.#events = events;
    const call = connection.call(CONTROL_CONNECT, {
      message: (message) => this.#hear(message),
      // Nothing here waits: what a proxy asks for is little, and a controller that does not take it
      // says nothing either.
      drained: () => undefined,
      ended: (status) =>
        this.#end(status.code === OK ? 'the controller ended it' : describeStatus(status)),
    });
    assert(call !== undefined, 'an open connection');
    this.#call = call;
    this.#beat = setInterval(() => this.#onBeat(), HEARTBEAT_MS);
    const value = {
      ...identity,
      protocolVersion: PROTOCOL_VERSION,
      capabilities: ['http1'],
      proxyVersion: PROXY_VERSION,
    };
    call.write({ message: { $case: 'hello', value } });
  }

  subscribe(key: string, { originalDst = '', authority = '', port }: Target): void {
    const target = { originalDst, authority, port };
    this.#call.write({ message: { $case: 'subscribe', value: { key, target } } });
  }

  unsubscribe(key: string): void {
    this.#call.write({ message: { $case: 'unsubscribe', value: { key } } });
  }

  /** Acknowledges a version, or refuses it with the reason. */
  applied(key: string, version: ResourceVersion, error: string | undefined): void {
    const value = { key, version: { ...version } };
    if (error === undefined) this.#call.write({ message: { $case: 'ack', value } });
    else this.#call.write({ message: { $case: 'nack', value: { ...value, error } } });
  }

  /** Ends the stream; nothing more is heard of it. */
  close(): void {
    this.#ended = true;
    clearInterval(this.#beat);
    this.#call.cancel();
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.close();
    this.#events.ended(reason);
  }

  #onBeat(): void {
    if (performance.now() - this.#heardMs > this.#heartbeatMs * MISSED_MAX) {
      this.#end(`nothing heard for ${MISSED_MAX} heartbeats`);
    } else this.#call.write({ message: { $case: 'heartbeat', value: {} } });
  }

  #hear({ message }: ControllerMessage): void {
    if (this.#ended) return;
    this.#heardMs = performance.now();
    this.#events.heard();
    if (message?.$case === 'welcome') this.#welcome(message.value.heartbeatMs);
    else if (message?.$case === 'update') {
      const { key, resource, version = { epoch: 0, counter: 0 } } = message.value;
      if (resource?.$case === 'inbound') this.#events.inbound(readInbound(resource.value), version);
      else if (resource?.$case === 'noSuchService') {
        this.#events.update(key, version, readNoSuchService(resource.value));
      } else if (resource?.$case === 'destination') {
        const destination = readDestination(resource.value);
        this.#events.update(key, version, { kind: 'destination', destination });
      }
    }
  }

  #welcome(heartbeatMs: number): void {
    this.welcomed = true;
    if (heartbeatMs > 0) {
      this.#heartbeatMs = heartbeatMs;
      clearInterval(this.#beat);
      this.#beat = setInterval(() => this.#onBeat(), heartbeatMs);
    }
    this.#events.welcomed();
  }
}
