/** Answers as HTTP/1.1 puts them on a link, the proxy's own among them. */
import { isGrpc } from '../codec/grpc/content-type.ts';
import { putText } from '../codec/http1/bytes.ts';
import {
  type ResponseHeadOptions,
  writeResponseHead,
  writeTunnelHead,
} from '../codec/http1/head-writer.ts';
import { isMethod } from '../codec/http1/request-target.ts';
import { type ErrorResponse, toResponse } from '../errors.ts';
import { limits } from '../limits.ts';
import { FIELD_CONTENT_LENGTH } from '../model/field.ts';
import { type Head, TUNNEL_NONE } from '../model/head.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { Link } from '../transport/link.ts';
import { TunnelGrant } from './tunnel-grant.ts';

/** What the answer depends on besides the error. */
export interface AnswerOptions {
  readonly keepAlive: boolean;
  /** Minor version of the request. */
  readonly minor: number;
  /** HEAD: the answer says the body's length and leaves the body out. */
  readonly headRequest: boolean;
}

/** ASCII text of the whole answer. */
export function answerText(response: ErrorResponse, options: AnswerOptions): string {
  let text = `HTTP/1.1 ${response.status} ${response.reason}\r\n`;
  for (const [name, value] of response.fields) text += `${name}: ${value}\r\n`;
  text += `Content-Length: ${response.body.length}\r\n`;
  if (!options.keepAlive) text += 'Connection: close\r\n';
  else if (options.minor === 0) text += 'Connection: keep-alive\r\n';
  return `${text}\r\n${options.headRequest ? '' : response.body}`;
}

/** Writes the heads of one connection's answers, each by what its request was. */
export class AnswerWriter {
  readonly #link: Link;
  /** Of the request. */
  minor = 1;
  #headRequest = false;
  #grpc = false;
  #tunnel: TunnelGrant | undefined = undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  /** A request of which nothing is known yet. */
  begin(): void {
    this.#headRequest = false;
    this.#grpc = false;
  }

  // HOT: per exchange. The request's head, whatever it is worth.
  to(head: Head): void {
    this.minor = head.minor;
    this.#headRequest = isMethod(head, 'HEAD');
    this.#grpc = isGrpc(head);
    this.#tunnel = head.tunnel === TUNNEL_NONE ? undefined : new TunnelGrant(head);
  }

  interim(head: Head): void {
    this.#putHead(head, INTERIM);
  }

  // HOT: per exchange. `body`: as in ResponseSink.responseHead.
  head(head: Head, body: number, chunked: boolean, keepAlive: boolean): void {
    this.#putHead(head, {
      chunked,
      empty: body === 0 && !this.#headRequest && isSilentlyEmpty(head),
      connection: keepAlive ? (this.minor > 0 ? undefined : 'keep-alive') : 'close',
    });
  }

  #putHead(head: Head, options: ResponseHeadOptions): void {
    const out = this.#link.room(head.length + limits.headGrowthBytesMax);
    const at = this.#link.length;
    this.#link.advance(writeResponseHead(out, at, head, options) - at);
  }

  /** Grants the tunnel that was asked for. */
  tunnel(head: Head): void {
    const added = this.#tunnel?.missingLines(head) ?? '';
    const out = this.#link.room(head.length + limits.headGrowthBytesMax);
    const at = this.#link.length;
    this.#link.advance(writeTunnelHead(out, at, head, added) - at);
  }

  /** What `error` is answered with; `local`: the downstream is told the reason. */
  responseTo(error: MeshError, local: boolean): ErrorResponse {
    return toResponse(error, { grpc: this.#grpc, local });
  }

  /** The proxy's own answer, whole. */
  own(response: ErrorResponse, keepAlive: boolean): void {
    const { minor } = this;
    const text = answerText(response, { keepAlive, minor, headRequest: this.#headRequest });
    const out = this.#link.room(text.length);
    this.#link.advance(putText(out, this.#link.length, text) - this.#link.length);
  }
}

const INTERIM = { chunked: false, empty: false, connection: undefined };

/** Only END_STREAM said that there is no content, which HTTP/1.1 does not have. */
const isSilentlyEmpty = (head: Head): boolean =>
  head.status !== 204 && head.status !== 304 && head.find(FIELD_CONTENT_LENGTH) === -1;
