/**
 * One proxy's control stream.
 *
 *   opened --Hello--> greeted --Subscribe / Unsubscribe / Ack / Nack / Heartbeat--> greeted
 *      \                 \
 *       \                 `--no heartbeat, too old, not drained, bad message--> ended(status)
 *        `--anything else--> ended(INVALID_ARGUMENT)
 *
 * One message is on its way at a time. What changed meanwhile waits as a set of keys, and each key
 * is sent with the content it has when its turn comes: a slow reader gets the latest, no history.
 */
import { status } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';

import type {
  ControllerMessage,
  Hello,
  Nack,
  ProxyMessage,
  Subscribe,
  Version,
} from '../../api/gen/culvert/proxy/v1/control.ts';
import type { Log } from '../../base/log.ts';
import { destinationSubject, inboundSubject } from './catalog.ts';
import type { ResourceCatalog, Subject } from './catalog.ts';

/** The version of the control protocol that this controller speaks. */
export const PROTOCOL_VERSION = 1;
const INBOUND_KEY = '';
const KEY_LENGTH_MAX = 1_024;
const ERROR_LENGTH_MAX = 500;
const HEARTBEATS_MISSED_MAX = 3;

/** Limits and times of a stream. */
export interface ControlStreamSettings {
  /** Microseconds since 1970 at which the controller started. */
  readonly epochUs: number;
  readonly controllerVersion: string;
  readonly heartbeatMs: number;
  /** A message that the proxy has not taken in this time ends the stream. */
  readonly drainMs: number;
  readonly subscriptionsMax: number;
}

/** What happens on all streams, since the start. */
export interface ControlCounters {
  updates: number;
  acks: number;
  nacks: number;
  slowReaders: number;
  missedHeartbeats: number;
  droppedSubscriptions: number;
}

/** A resource of one proxy: what was sent of it and what became of that. Counters of versions. */
export interface Subscription {
  readonly subject: Subject;
  sent: number;
  acked: number;
  nacked: number;
  error: string;
}

/** Who a proxy said it is. */
export interface Identity {
  readonly namespace: string;
  readonly pod: string;
  readonly instance: string;
  readonly proxyVersion: string;
}

type Call = ServerDuplexStream<ProxyMessage, ControllerMessage>;

/** One stream, from its opening to its end. */
export class ControlStream {
  readonly #call: Call;
  readonly #catalog: ResourceCatalog;
  readonly #settings: ControlStreamSettings;
  readonly #counters: ControlCounters;
  readonly #now: () => number;
  readonly #log: Log;
  readonly #onEnd: () => void;
  readonly #bornMs: number;
  readonly #ageMsMax: number;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Subscriptions beyond the limit, by key: they are answered when others end. */
  readonly #waiting = new Map<string, Subject>();
  /** Others found no room there either: the proxy alone knows them. */
  #dropped = false;
  readonly #pending = new Set<string>();
  #identity: Identity | undefined;
  #heardMs: number;
  #beatMs: number;
  #beatPending = false;
  /** When the message on its way was written; undefined while there is none. */
  #writtenMs: number | undefined;
  #ended = false;

  constructor(
    call: Call,
    catalog: ResourceCatalog,
    settings: ControlStreamSettings,
    counters: ControlCounters,
    options: {
      readonly now: () => number;
      readonly log: Log;
      readonly ageMsMax: number;
      readonly onEnd: () => void;
    },
  ) {
    this.#call = call;
    this.#catalog = catalog;
    this.#settings = settings;
    this.#counters = counters;
    this.#now = options.now;
    this.#log = options.log;
    this.#onEnd = options.onEnd;
    this.#ageMsMax = options.ageMsMax;
    this.#bornMs = options.now();
    this.#heardMs = this.#bornMs;
    this.#beatMs = this.#bornMs;
    call.on('data', (message: ProxyMessage) => this.#receive(message));
    call.on('end', () => this.end(status.OK, ''));
    call.on('cancelled', () => this.#close());
    call.on('error', () => this.#close());
  }

  /** Undefined before the Hello. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions;
  }

  /** Subscriptions that wait for others to end: there are as many as may be. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A newer version of the resource, if there is one, waits until the proxy took what is on its way. */
  isPending(key: string): boolean {
    return this.#pending.has(key);
  }

  /** The mesh changed: every resource may have. */
  refresh(): void {
    for (const key of this.#subscriptions.keys()) this.#pending.add(key);
    this.#flush();
  }

  /** Called about once a second: heartbeats and deadlines. */
  tick(): void {
    const now = this.#now();
    const { heartbeatMs, drainMs } = this.#settings;
    if (this.#writtenMs !== undefined && now - this.#writtenMs > drainMs) {
      this.#counters.slowReaders++;
      this.end(status.RESOURCE_EXHAUSTED, `nothing was read for ${drainMs} ms; reconnect`);
    } else if (now - this.#heardMs > HEARTBEATS_MISSED_MAX * heartbeatMs) {
      this.#counters.missedHeartbeats++;
      this.end(status.UNAVAILABLE, `no heartbeat for ${now - this.#heardMs} ms; reconnect`);
    } else if (now - this.#bornMs > this.#ageMsMax) {
      this.end(status.UNAVAILABLE, 'the stream reached its maximum age; reconnect');
    } else if (now - this.#beatMs >= heartbeatMs && this.#identity !== undefined) {
      this.#beatMs = now;
      this.#beatPending = true;
      this.#flush();
    }
  }

  /** Ends the stream; the proxy keeps what it has and reconnects unless the code says not to. */
  end(code: status, details: string): void {
    if (this.#ended) return;
    this.#close();
    // The error is how grpc-js is told the status to end a stream with.
    if (code === status.OK) this.#call.end();
    else this.#call.emit('error', { code, details });
  }

  #close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#pending.clear();
    this.#waiting.clear();
    for (const { subject } of this.#subscriptions.values()) this.#catalog.release(subject);
    this.#onEnd();
  }

  #receive(message: ProxyMessage): void {
    if (this.#ended) return;
    this.#heardMs = this.#now();
    const event = message.message;
    if (this.#identity === undefined) {
      if (event?.$case === 'hello') this.#greet(event.value);
      else this.end(status.INVALID_ARGUMENT, 'the first message must be Hello');
      return;
    }
    switch (event?.$case) {
      case 'subscribe':
        this.#subscribe(event.value, this.#identity);
        break;
      case 'unsubscribe':
        if (event.value.key !== INBOUND_KEY) this.#unsubscribe(event.value.key);
        this.#admit();
        break;
      case 'ack':
        this.#acknowledge(event.value.key, event.value.version);
        break;
      case 'nack':
        this.#refused(event.value);
        break;
      case 'hello':
        this.end(status.INVALID_ARGUMENT, 'Hello was sent twice');
        break;
      default:
      // A heartbeat, or what a newer proxy says and this controller does not know.
    }
  }

  #greet(hello: Hello): void {
    if (hello.protocolVersion !== PROTOCOL_VERSION) {
      const spoken = `this controller speaks protocol version ${PROTOCOL_VERSION}`;
      this.end(status.FAILED_PRECONDITION, `${spoken}, the proxy ${hello.protocolVersion}`);
      return;
    }
    if (hello.pod === '') {
      this.end(status.INVALID_ARGUMENT, 'Hello names no pod');
      return;
    }
    const namespace = hello.namespace === '' ? 'default' : hello.namespace;
    const { pod, instance, proxyVersion } = hello;
    this.#identity = { namespace, pod, instance, proxyVersion };
    this.#write({
      message: {
        $case: 'welcome',
        value: {
          protocolVersion: PROTOCOL_VERSION,
          controllerVersion: this.#settings.controllerVersion,
          heartbeatMs: this.#settings.heartbeatMs,
        },
      },
    });
    this.#hold(INBOUND_KEY, inboundSubject(namespace, pod));
  }

  #subscribe({ key, target }: Subscribe, identity: Identity): void {
    if (key === INBOUND_KEY || key.length > KEY_LENGTH_MAX) {
      this.end(status.INVALID_ARGUMENT, `a key has 1 to ${KEY_LENGTH_MAX} characters`);
      return;
    }
    this.#unsubscribe(key);
    const wanted = target ?? { originalDst: '', authority: '', port: 0 };
    const subject = destinationSubject(wanted, identity.namespace);
    if (this.#hasRoom) this.#hold(key, subject);
    // One too many must not cost the others their stream. The proxy answers for it meanwhile: 503.
    else if (this.#waiting.size < this.#settings.subscriptionsMax) this.#waiting.set(key, subject);
    else this.#drop(identity);
  }

  #drop({ namespace, pod }: Identity): void {
    this.#counters.droppedSubscriptions++;
    if (this.#dropped) return;
    this.#dropped = true;
    const sentence =
      'a proxy asks for more than twice --subscriptions-max: it answers 503 for the rest';
    this.#log.warnRepeated(`dropped ${namespace}/${pod}`, sentence, { namespace, pod });
  }

  /** The inbound resource, which is there since the Hello, is no subscription. */
  get #hasRoom(): boolean {
    return this.#subscriptions.size <= this.#settings.subscriptionsMax;
  }

  /** Those that wait for longest first, then those that were dropped: on a new stream the proxy asks again. */
  #admit(): void {
    for (const [key, subject] of this.#waiting) {
      if (!this.#hasRoom) return;
      this.#waiting.delete(key);
      this.#hold(key, subject);
    }
    if (!this.#dropped || !this.#hasRoom) return;
    this.end(status.UNAVAILABLE, 'there is room for subscriptions that were dropped; reconnect');
  }

  #hold(key: string, subject: Subject): void {
    this.#catalog.hold(subject);
    this.#subscriptions.set(key, { subject, sent: 0, acked: 0, nacked: 0, error: '' });
    this.#pending.add(key);
    this.#flush();
  }

  #unsubscribe(key: string): void {
    this.#waiting.delete(key);
    const subscription = this.#subscriptions.get(key);
    if (subscription === undefined) return;
    this.#subscriptions.delete(key);
    this.#pending.delete(key);
    this.#catalog.release(subscription.subject);
  }

  #acknowledge(key: string, version: Version | undefined): void {
    const subscription = this.#subscriptions.get(key);
    if (subscription === undefined || !this.#wasSent(subscription, version)) return;
    this.#counters.acks++;
    subscription.acked = Math.max(subscription.acked, version?.counter ?? 0);
    if (subscription.acked > subscription.nacked) subscription.error = '';
  }

  #refused({ key, version, error }: Nack): void {
    const subscription = this.#subscriptions.get(key);
    if (subscription === undefined || !this.#wasSent(subscription, version)) return;
    this.#counters.nacks++;
    subscription.nacked = version?.counter ?? 0;
    subscription.error = error.slice(0, ERROR_LENGTH_MAX) || 'no reason given';
  }

  /** An answer about another epoch, or about nothing that was sent, counts for nothing. */
  #wasSent(subscription: Subscription, version: Version | undefined): boolean {
    return (
      version !== undefined &&
      version.epoch === this.#settings.epochUs &&
      version.counter <= subscription.sent
    );
  }

  #flush(): void {
    while (!this.#ended && this.#writtenMs === undefined) {
      if (this.#beatPending) {
        this.#beatPending = false;
        this.#write({ message: { $case: 'heartbeat', value: {} } });
        return;
      }
      const key = this.#pending.values().next().value;
      if (key === undefined) return;
      this.#pending.delete(key);
      this.#sendLatest(key);
    }
  }

  #sendLatest(key: string): void {
    const subscription = this.#subscriptions.get(key);
    if (subscription === undefined) return;
    const latest = this.#catalog.latest(subscription.subject);
    if (latest === undefined || latest.counter === subscription.sent) return;
    subscription.sent = latest.counter;
    this.#counters.updates++;
    const version = { epoch: this.#settings.epochUs, counter: latest.counter };
    this.#write({
      message: { $case: 'update', value: { key, version, resource: latest.resource } },
    });
  }

  /** The callback comes when the transport took the message: flow control holds it back. */
  #write(message: ControllerMessage): void {
    this.#writtenMs = this.#now();
    this.#call.write(message, () => {
      this.#writtenMs = undefined;
      this.#flush();
    });
  }
}
