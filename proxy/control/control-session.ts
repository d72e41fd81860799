/**
 * One control stream: Hello, Welcome, then subscriptions out and updates in, with heartbeats both
 * ways. grpc-js is loaded on first use, after the listeners are open.
 */
import type { Target } from '../model/destination.ts';
import type { Resource, ResourceVersion } from '../model/thread.ts';
import { type PodResource, readDestination, readInbound, readNoSuchService } from './resources.ts';
import { PROXY_VERSION } from './version.ts';

const PROTOCOL_VERSION = 1;
/** Until the Welcome says it. */
const HEARTBEAT_MS = 5_000;
const MISSED_MAX = 3;

/** Who this proxy is, as Hello and telemetry say it. */
export interface ProxyIdentity {
  readonly namespace: string;
  readonly pod: string;
  /** Random, new at each start of the process. */
  readonly instance: string;
}

/** What the owner of a stream hears. */
export interface ControlEvents {
  /** The stream is there; subscriptions may be sent. */
  opened(session: ControlSession): void;
  /** Anything came. */
  heard(): void;
  welcomed(): void;
  update(key: string, version: ResourceVersion, resource: Resource): void;
  /** The proxy's own pod, or why what was said of it cannot be used. */
  inbound(pod: PodResource | string, version: ResourceVersion): void;
  /** Once, and nothing after it. */
  ended(reason: string): void;
}

/** An open stream, to be written to. */
export interface ControlSession {
  readonly welcomed: boolean;
  subscribe(key: string, target: Target): void;
  unsubscribe(key: string): void;
  /** Acknowledges a version, or refuses it with the reason. */
  applied(key: string, version: ResourceVersion, error: string | undefined): void;
  close(): void;
}

/** Opens a stream to "host:port"; rejects only when grpc-js cannot be loaded. */
export async function openControlSession(
  address: string,
  identity: ProxyIdentity,
  events: ControlEvents,
): Promise<void> {
  const { credentials } = await import('@grpc/grpc-js');
  const { ControlClient } = await import('../../api/gen/culvert/proxy/v1/control.ts');
  const client = new ControlClient(address, credentials.createInsecure());
  const stream = client.connect();
  let welcomed = false;
  let ended = false;
  let heardMs = performance.now();
  let heartbeatMs = HEARTBEAT_MS;

  const end = (reason: string): void => {
    if (ended) return;
    ended = true;
    clearInterval(beat);
    stream.cancel();
    client.close();
    events.ended(reason);
  };
  const onBeat = (): void => {
    if (performance.now() - heardMs > heartbeatMs * MISSED_MAX) {
      end(`nothing heard for ${MISSED_MAX} heartbeats`);
    } else stream.write({ message: { $case: 'heartbeat', value: {} } });
  };
  let beat = setInterval(onBeat, HEARTBEAT_MS);

  stream.on('error', (error) => end(error.message));
  stream.on('end', () => end('the controller ended it'));
  stream.on('data', ({ message }) => {
    if (ended) return;
    heardMs = performance.now();
    events.heard();
    if (message?.$case === 'welcome') {
      welcomed = true;
      if (message.value.heartbeatMs > 0) {
        heartbeatMs = message.value.heartbeatMs;
        clearInterval(beat);
        beat = setInterval(onBeat, heartbeatMs);
      }
      events.welcomed();
    } else if (message?.$case === 'update') {
      const { key, resource, version = { epoch: 0, counter: 0 } } = message.value;
      if (resource?.$case === 'inbound') events.inbound(readInbound(resource.value), version);
      else if (resource?.$case === 'noSuchService') {
        events.update(key, version, readNoSuchService(resource.value));
      } else if (resource?.$case === 'destination') {
        const destination = readDestination(resource.value);
        events.update(key, version, { kind: 'destination', destination });
      }
    }
  });

  stream.write({
    message: {
      $case: 'hello',
      value: {
        ...identity,
        protocolVersion: PROTOCOL_VERSION,
        capabilities: ['http1'],
        proxyVersion: PROXY_VERSION,
      },
    },
  });
  events.opened({
    get welcomed() {
      return welcomed;
    },
    subscribe: (key, { originalDst = '', authority = '', port }) => {
      const target = { originalDst, authority, port };
      stream.write({ message: { $case: 'subscribe', value: { key, target } } });
    },
    unsubscribe: (key) => void stream.write({ message: { $case: 'unsubscribe', value: { key } } }),
    applied: (key, version, error) => {
      const value = { key, version: { ...version } };
      if (error === undefined) stream.write({ message: { $case: 'ack', value } });
      else stream.write({ message: { $case: 'nack', value: { ...value, error } } });
    },
    close: () => {
      ended = true;
      clearInterval(beat);
      stream.cancel();
      client.close();
    },
  });
}
