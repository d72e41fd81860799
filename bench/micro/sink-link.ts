/** A link that takes everything at once, so that a case measures the session and not a socket. */
import type {
  DialOptions,
  Link,
  LinkEvents,
  Listener,
  Transport,
} from '../../proxy/transport/link.ts';

const SLAB_BYTES = 65_536;

/** Hears nothing. */
export const DEAF: LinkEvents = {
  onOpen() {},
  onBytes() {},
  onEnd() {},
  onSent() {},
  onClose() {},
};

/** One end; what the session writes is counted and dropped when it `settle`s. */
export class SinkLink implements Link {
  readonly peer = { remote: '127.0.0.1:40000', local: '127.0.0.1:8080' };
  events: LinkEvents;
  readonly closed = false;
  length = 0;
  readonly #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);

  constructor(events: LinkEvents) {
    this.events = events;
  }

  get unsentBytes(): number {
    return this.length;
  }

  room(): Buffer {
    return this.#slab;
  }

  advance(bytes: number): void {
    this.length += bytes;
  }

  write(bytes: Buffer, start: number, end: number): void {
    this.length += bytes.copy(this.#slab, this.length, start, end);
  }

  /** The end of a turn: the kernel takes all. Returns how many bytes that were. */
  settle(): number {
    const sent = this.length;
    this.length = 0;
    if (sent > 0) this.events.onSent(sent);
    return sent;
  }

  pause(): void {}
  resume(): void {}
  keepAlive(): void {}

  end(): void {}
  reset(): void {}
  close(): void {}
}

/** A transport whose dials succeed at once. */
export class SinkTransport implements Transport {
  /** The links dialled, oldest first. */
  readonly dialled: SinkLink[] = [];

  async listen(): Promise<Listener> {
    return { address: { host: '127.0.0.1', port: 8080 }, close: () => undefined };
  }

  dial(_options: DialOptions, events: LinkEvents): Link {
    const link = new SinkLink(events);
    this.dialled.push(link);
    return link;
  }
}
