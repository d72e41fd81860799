/**
 * Finds the upstream link of one tunnel: resolve, pick, dial, and another endpoint where a dial
 * fails. An open tunnel counts as an attempt under way at its endpoint, which balances connections.
 */
import { limits } from '../limits.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { Link, LinkDial, LinkWaiter, OpenLink } from '../transport/link.ts';
import { loopError, noEndpoint, unreachable } from './exchange-errors.ts';

/** `stack.ts` puts it together. */
export interface TunnelDialParts {
  /** The destination, why there is none, or undefined: then `whenResolved` tells. */
  readonly resolve: () => Destination | MeshError | undefined;
  readonly whenResolved: (tell: (found: Destination | MeshError) => void) => void;
  /** Dials an endpoint, and may tell at once: then nothing is under way. */
  readonly connect: (endpoint: Endpoint, waiter: LinkWaiter) => LinkDial | undefined;
  /** By the clock of timers, milliseconds. */
  readonly nowMs: () => number;
}

/** Begins to look for a link; `waiter` may be told at once. */
export function dialTunnel(parts: TunnelDialParts, waiter: LinkWaiter): LinkDial {
  const dial = new TunnelDial(parts, waiter);
  dial.begin();
  return dial;
}

/** One search; it is its own waiter at each endpoint that it tries. */
class TunnelDial implements LinkDial, LinkWaiter {
  readonly #parts: TunnelDialParts;
  readonly #waiter: LinkWaiter;
  #tried: readonly Endpoint[] = NONE;
  #over = false;
  #dialled: LinkDial | undefined = undefined;
  #hurried = false;
  #destination: Destination | undefined = undefined;
  /** The endpoint being dialled, whose count has this tunnel. */
  #dialling: Endpoint | undefined = undefined;

  constructor(parts: TunnelDialParts, waiter: LinkWaiter) {
    this.#parts = parts;
    this.#waiter = waiter;
  }

  begin(): void {
    const found = this.#parts.resolve();
    if (found !== undefined) return this.#resolved(found);
    this.#parts.whenResolved((later) => {
      if (!this.#over) this.#resolved(later);
    });
  }

  leave(): void {
    if (this.#over) return;
    this.#over = true;
    const dialled = this.#dialled;
    this.#release();
    dialled?.leave();
  }

  hurry(): void {
    this.#hurried = true;
    this.#dialled?.hurry();
  }

  #resolved(found: Destination | MeshError): void {
    if (!('picker' in found)) return this.#fail(found);
    this.#destination = found;
    const endpoint = found.picker.pick(this.#tried);
    if (endpoint === undefined) this.#fail(noEndpoint(found, this.#parts.nowMs()));
    else this.#dial(endpoint);
  }

  #dial(endpoint: Endpoint): void {
    if (endpoint.loops) return this.#fail(loopError(endpoint));
    endpoint.pending++;
    this.#dialling = endpoint;
    const dialled = this.#parts.connect(endpoint, this);
    // Told at once, another endpoint may be on its way already.
    if (this.#dialling !== endpoint) return;
    this.#dialled = dialled;
    if (this.#hurried) dialled?.hurry();
  }

  // ---- what the dial tells ----

  connected(opened: OpenLink): void {
    const endpoint = this.#dialling!;
    this.#over = true;
    this.#dialling = undefined;
    this.#waiter.connected(new PendingLink(opened, endpoint));
  }

  failed(error: MeshError): void {
    const endpoint = this.#dialling!;
    const destination = this.#destination!;
    this.#release();
    this.#tried = [...this.#tried, endpoint];
    const again = error.retry === 'unsent' && this.#tried.length < limits.dialsPerExchangeMax;
    const next = again ? destination.picker.pick(this.#tried) : undefined;
    if (next !== undefined) return this.#dial(next);
    const unsent = error.retry === 'unsent';
    this.#fail(unsent ? unreachable(destination, endpoint, error, this.#parts.nowMs()) : error);
  }

  #fail(error: MeshError): void {
    this.#over = true;
    this.#waiter.failed(error);
  }

  #release(): void {
    if (this.#dialling !== undefined) this.#dialling.pending--;
    this.#dialling = undefined;
    this.#dialled = undefined;
  }
}

/** Counts as an attempt under way at its endpoint. It lives for days, so it holds what it needs. */
class PendingLink implements OpenLink {
  readonly link: Link;
  readonly #opened: OpenLink;
  readonly #endpoint: Endpoint;

  constructor(opened: OpenLink, endpoint: Endpoint) {
    this.link = opened.link;
    this.#opened = opened;
    this.#endpoint = endpoint;
  }

  over(): void {
    this.#endpoint.pending--;
    this.#opened.over();
  }
}

const NONE: readonly Endpoint[] = [];
