/**
 * An HTTP/1.1 exchange through a sidecar: what either side sends and what must arrive at the other.
 * One character is one byte (latin1).
 */
import { headOf, okAnswer, type Field, type Framing } from '../support/raw-http.ts';

/** What must have arrived; what is left out is not looked at. */
export interface Expected {
  readonly startLine?: string;
  /** Every end-to-end field, in order: all but those of framing and connection. */
  readonly fields?: readonly Field[];
  /** Values of these fields, by name in lower case; an empty list: the field is absent. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
  readonly framing?: Framing;
  readonly body?: string;
  readonly trailers?: readonly Field[];
  /** Start lines of the interim responses. */
  readonly interim?: readonly string[];
}

export interface Exchange {
  readonly name: string;
  /** Where the rule stands, in RFC 9112 unless another is named. */
  readonly section: string;
  readonly request: string;
  /** Raw answer of the upstream. */
  readonly response: string;
  /** The upstream ends the connection behind its answer. */
  readonly responseEnds: boolean;
  readonly forwarded: Expected;
  readonly received: Expected;
  /** What becomes of the client's connection. */
  readonly client: 'open' | 'closed';
  /** Cannot be asked of an outbound sidecar, which needs a Host of its own. */
  readonly inboundOnly: boolean;
}

const DEFAULTS = {
  request: headOf('GET /x HTTP/1.1', 'Host: web'),
  response: okAnswer(),
  responseEnds: false,
  forwarded: {},
  received: { startLine: 'HTTP/1.1 200 OK', body: 'ok' },
  client: 'open',
  inboundOnly: false,
} as const;

/** An exchange as `parts` say; the rest is a GET answered with 200. */
export const exchange = (name: string, section: string, parts: Partial<Exchange>): Exchange => ({
  ...DEFAULTS,
  name,
  section,
  ...parts,
});

export const CHUNKED = 'Transfer-Encoding: chunked';
