/**
 * What a case of the HTTP/2 table is: frames that one side sends, and all that the sidecar may do.
 * The peer has sent the preface (as a client) and SETTINGS before, unless the case says otherwise.
 */
import type { ErrorName } from '../../support/http2-wire.ts';

/** Frames to send, or the stream whose whole answer to wait for. */
export type Step = Buffer | { readonly answered: number };

/** Outcomes that are right; several where the RFC leaves the choice. */
export interface Expected {
  /** GOAWAY with one of these codes, and the end of the connection. */
  readonly connection?: readonly ErrorName[];
  /** RST_STREAM of `of` with one of these codes; the connection lives on. */
  readonly stream?: readonly ErrorName[];
  /** A whole answer with one of these statuses on `of` (server), or downstream (client). */
  readonly accepted?: readonly number[];
  /** Nothing: as if the frames had not come. */
  readonly ignored?: true;
  /** Client only: statuses that the downstream may have got before the connection broke. */
  readonly downstream?: readonly number[];
  /** The stream that is meant, 1 unless given. */
  readonly of?: number;
}

export interface Http2Case {
  /** What the sidecar is: the peer has the other role. */
  readonly role: 'server' | 'client';
  /** In RFC 9113 unless another RFC is named. */
  readonly section: string;
  readonly name: string;
  readonly steps: readonly Step[];
  readonly expected: Expected;
  /** What the peer announces first. */
  readonly settings: readonly (readonly [id: number, value: number])[];
  /** Whether SETTINGS are sent first. */
  readonly greets: boolean;
  /** Client only: the request that the downstream sends; the body of POST does not end. */
  readonly request: 'GET' | 'HEAD' | 'POST';
  /** Server only: whether the connection must serve another request behind the case. */
  readonly servesOn: boolean;
  /** Fields that must (a value), or must not (undefined), reach the other side when accepted. */
  readonly forwarded: Readonly<Record<string, string | undefined>>;
}

type Options = Partial<
  Pick<Http2Case, 'settings' | 'greets' | 'request' | 'servesOn' | 'forwarded'>
>;
type MakeCase = (
  section: string,
  name: string,
  steps: readonly Step[],
  expected: Expected,
  options?: Options,
) => Http2Case;

const caseOf =
  (role: 'server' | 'client'): MakeCase =>
  (section, name, steps, expected, options = {}) => ({
    role,
    section,
    name,
    steps,
    expected,
    settings: [],
    greets: true,
    request: 'GET',
    servesOn: true,
    forwarded: {},
    ...options,
  });

/** A case in which the sidecar is the server. */
export const server = caseOf('server');
/** A case in which the sidecar is the client, and has sent its request on stream 1 if it was greeted. */
export const client = caseOf('client');

export const answered = (stream: number): Step => ({ answered: stream });

/** A connection error. */
export const breaks = (...codes: readonly ErrorName[]): Expected => ({ connection: codes });
/** A stream error, on stream 1. */
export const resets = (...codes: readonly ErrorName[]): Expected => ({ stream: codes });
/** A stream error on stream 1; a connection error is right too. */
export const fails = (...codes: readonly ErrorName[]): Expected => ({
  stream: codes,
  connection: codes,
});
export const OK: Expected = { accepted: [200] };
export const IGNORED: Expected = { ignored: true };
/** A malformed request or response (RFC 9113 section 8.1.1). */
export const MALFORMED: Expected = resets('PROTOCOL_ERROR');
