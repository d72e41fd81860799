/**
 * Listens at an upstream link whether its server speaks before its client.
 *
 *   dialling ─> connected ─ bytes, or FIN ─> spoke          refused, or gone ─> failed
 *                         └ HTTP/2's SETTINGS ─> greeted
 *
 * Counted against `serverFirstDialsMax` until it is handed over or left.
 */
import { opensAsHttp2Server } from '../codec/http2/preface.ts';
import { MeshError } from '../model/mesh-error.ts';
import {
  type LinkDial,
  type LinkEvents,
  type LinkWaiter,
  NOBODY,
  type OpenLink,
} from '../transport/link.ts';
import type { Way } from './way.ts';

/** Hears what comes of it; after `handOver` or `leave` nothing. */
export interface EarEvents {
  upstreamConnected(upstream: OpenLink): void;
  /** The server has spoken or ended; `http`: as an HTTP server that is tired of waiting does. */
  upstreamSpoke(upstream: OpenLink, http: boolean): void;
  /** An HTTP/2 server has greeted (RFC 9113 section 3.4): it waits for its client's preface. */
  upstreamGreeted(): void;
  upstreamFailed(error: MeshError): void;
}

const HTTP = Buffer.from('HTTP/', 'latin1');

/** One connection's. */
export class UpstreamEar implements LinkEvents, LinkWaiter {
  /** Connected, and still listened at. */
  upstream: OpenLink | undefined = undefined;
  readonly #way: Way;
  readonly #events: EarEvents;
  #dial: LinkDial | undefined = undefined;
  #done = false;

  constructor(way: Way, events: EarEvents) {
    this.#way = way;
    this.#events = events;
    way.listening++;
  }

  begin(): void {
    const dial = this.#way.parts.connect(this);
    // It may have been told at once.
    if (!this.#done && this.upstream === undefined) this.#dial = dial;
  }

  connected(upstream: OpenLink): void {
    this.upstream = upstream;
    upstream.link.events = this;
    this.#events.upstreamConnected(upstream);
  }

  failed(error: MeshError): void {
    this.#finish();
    this.#events.upstreamFailed(error);
  }

  /** The client may be gone: a dial into the void should not go on for it. */
  hurry(): void {
    this.#dial?.hurry();
  }

  /** The link is somebody else's from here on. */
  handOver(): void {
    this.upstream = undefined;
    this.#finish();
  }

  /** The connection needs no upstream link of its own. */
  leave(): void {
    const { upstream } = this;
    if (upstream === undefined) this.#dial?.leave();
    else {
      upstream.link.events = { ...NOBODY, onClose: () => upstream.over() };
      upstream.link.close();
    }
    this.handOver();
  }

  onOpen(): void {}

  onBytes(bytes: Buffer, start: number, end: number): void {
    const { upstream } = this;
    if (upstream === undefined) return;
    if (opensAsHttp2Server(bytes, start, end)) return this.#events.upstreamGreeted();
    const said = Math.min(HTTP.length, end - start);
    const http = bytes.compare(HTTP, 0, said, start, start + said) === 0;
    this.#events.upstreamSpoke(upstream, http);
    upstream.link.events.onBytes(bytes, start, end);
  }

  onEnd(): void {
    const { upstream } = this;
    if (upstream === undefined) return;
    this.#events.upstreamSpoke(upstream, true);
    upstream.link.events.onEnd();
  }

  onSent(): void {}

  onClose(error: MeshError | undefined): void {
    const { upstream } = this;
    if (upstream === undefined) return;
    this.upstream = undefined;
    upstream.over();
    this.#finish();
    const sentence = 'The upstream ended the connection before a byte was sent.';
    this.#events.upstreamFailed(error ?? new MeshError('upstream-reset', 'upstream', sentence));
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#dial = undefined;
    this.#way.listening--;
  }
}
