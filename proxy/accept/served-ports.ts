/**
 * The ports at which the application has taken connections, of those that come through one listener:
 * whether it is all gone when one refuses.
 *
 *   one refuses ─> the next of the others is dialled ─ refused ─> the next … ─> none is left: gone
 *                                                └ anything else ─> some may still be served
 */
import type { Endpoint } from '../model/endpoint.ts';
import type { MeshError } from '../model/mesh-error.ts';
import { type LinkDial, type LinkWaiter, NOBODY, type OpenLink } from '../transport/link.ts';

/** What it asks with. */
export interface ServedPortsParts {
  /** Dials, and may tell at once: then nothing is under way. */
  readonly connect: (endpoint: Endpoint, waiter: LinkWaiter) => LinkDial | undefined;
  /** All of them refuse. */
  readonly gone: () => void;
}

/** Of one listener; asks one port at a time. */
export class ServedPorts implements LinkWaiter {
  readonly #parts: ServedPortsParts;
  readonly #endpoints = new Set<Endpoint>();
  /** Still to be asked, the last first. */
  #unasked: Endpoint[] = [];
  #asking = false;

  constructor(parts: ServedPortsParts) {
    this.#parts = parts;
  }

  /** A port that may be served; one at which no dial ever succeeded counts for nothing. */
  add(endpoint: Endpoint): void {
    this.#endpoints.add(endpoint);
  }

  delete(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint);
  }

  /** Nobody listens at `endpoint` any more: asks the others. */
  refused(endpoint: Endpoint): void {
    if (this.#asking) return;
    this.#unasked = [...this.#endpoints].filter((one) => one !== endpoint && one.reached);
    this.#asking = true;
    this.#askNext();
  }

  connected(opened: OpenLink): void {
    this.#asking = false;
    opened.link.events = { ...NOBODY, onClose: () => opened.over() };
    opened.link.close();
  }

  /** Who does not answer, or whom there is no descriptor to ask, may be busy. */
  failed({ code }: MeshError): void {
    if (code === 'upstream-refused') this.#askNext();
    else this.#asking = false;
  }

  #askNext(): void {
    const next = this.#unasked.pop();
    if (next !== undefined) return void this.#parts.connect(next, this);
    this.#asking = false;
    this.#parts.gone();
  }
}
