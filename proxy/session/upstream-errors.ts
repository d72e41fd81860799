/** What becomes of an upstream connection of HTTP/1, as errors of the mesh. */
import { HEAD_TOO_LARGE, type HeadResult } from '../codec/http1/head-parser.ts';
import { timeouts } from '../limits.ts';
import { type Ending, MeshError } from '../model/mesh-error.ts';

/** Errors of one endpoint. */
export class UpstreamErrors {
  readonly #host: string;

  /** `host`: "address:port" of the endpoint. */
  constructor(host: string) {
    this.#host = host;
  }

  /** The dial failed, and the system does not say why. */
  dialRefused(): MeshError {
    const sentence = `Cannot connect to ${this.#host}.`;
    return new MeshError('upstream-unreachable', 'upstream', sentence, 'unsent');
  }

  /** The dial has no answer. */
  dialTimedOut(): MeshError {
    const sentence = `${this.#host} accepted no connection within ${timeouts.connectTimeoutMs} ms.`;
    return new MeshError('deadline-passed', 'upstream', sentence, 'unsent');
  }

  /** The connection ended before any byte of an answer came; `reused`: it had served before. */
  endedUnanswered(reused: boolean, ending: Ending): MeshError {
    const sentence = `${this.#host} ended the connection before it answered.`;
    const retry = reused ? 'if-reused' : 'never';
    return new MeshError('upstream-reset', 'upstream', sentence, retry, undefined, ending);
  }

  /** The connection ended behind the head of an answer. */
  endedMidway(): MeshError {
    const sentence = `${this.#host} ended the connection in the middle of its response.`;
    return new MeshError('upstream-reset', 'upstream', sentence);
  }

  /** Nothing came for as long as may be. */
  stalled(): MeshError {
    const sentence = `${this.#host} let ${timeouts.streamIdleMs} ms pass without a byte.`;
    return new MeshError('deadline-passed', 'upstream', sentence);
  }

  /** It broke HTTP: `what` of it, such as "sent no head". */
  broke(what: string): MeshError {
    return new MeshError('upstream-protocol', 'upstream', `${this.#host} ${what}.`);
  }
}

/**
 * The address that a connection was going to is gone, and nothing stands in for it: a client that keeps
 * the connection would not look for another one.
 */
export const endsConnection = ({ code, resetCode, retry }: MeshError): boolean =>
  code === 'address-refused' ||
  (code === 'outside-failed' && (retry === 'unsent' || resetCode === undefined));

/** What an endpoint did whose head the parser refused. */
export const faultOfHead = (result: HeadResult): string =>
  `sent a response head that is ${result === HEAD_TOO_LARGE ? 'too large' : 'malformed'}`;
