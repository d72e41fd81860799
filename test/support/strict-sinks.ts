/**
 * Both sides of an exchange, as the exchange is: recycled when it is over. Every call that comes
 * out of order, or after that, fails the test.
 */
import assert from 'node:assert/strict';
import { BODY_TUNNEL, type RequestSink, type ResponseSink } from '../../proxy/model/exchange.ts';
import type { Head } from '../../proxy/model/head.ts';
import type { MeshError } from '../../proxy/model/mesh-error.ts';
import { fieldsOf } from './heads.ts';

const fieldText = (head: Head): string =>
  fieldsOf(head)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

type Place = 'before' | 'body' | 'trailers' | 'ended' | 'reset';

/** Calls of one half-stream, in the order in which the contract allows them. */
class HalfStream {
  readonly name: string;
  place: Place;
  readonly body: Buffer[] = [];

  constructor(name: string, place: Place) {
    this.name = name;
    this.place = place;
  }

  go(to: Place, ...from: readonly Place[]): void {
    assert(from.includes(this.place), `${this.name}: ${to} behind ${this.place}`);
    this.place = to;
  }

  get text(): string {
    return Buffer.concat(this.body).toString('latin1');
  }
}

/** What both have in common. */
class Strict {
  /** What was called, in order; data as one entry however it is cut. */
  readonly calls: string[] = [];
  /** Credit that came for what was passed on. */
  credit = 0;
  /** The exchange was recycled: it is another's. */
  over = false;
  #inData = false;

  protected hear(call: string): void {
    assert(!this.over, `${call}, and the exchange is over`);
    this.calls.push(call);
    this.#inData = false;
  }

  protected hearData(half: HalfStream, bytes: Buffer, start: number, end: number): void {
    assert(!this.over && start < end, 'data, and the exchange is over');
    half.go('body', 'body');
    half.body.push(Buffer.from(bytes.subarray(start, end)));
    const text = bytes.toString('latin1', start, end);
    if (this.#inData) this.calls[this.calls.length - 1] += text;
    else this.calls.push(`data ${text}`);
    this.#inData = true;
  }

  protected hearCredit(bytes: number): void {
    assert(!this.over && bytes > 0, `credit of ${bytes}, and the exchange is over`);
    this.credit += bytes;
  }
}

/** An exchange that a server session opened, with the calls that an answer consists of. */
export class StrictRequest extends Strict implements RequestSink {
  readonly request = new HalfStream('request', 'body');
  /** Length of the body that the head announced. */
  readonly body: number;
  /** Where the answer goes. */
  readonly downstream: ResponseSink;
  #responseOver = false;

  /** The block of its head has come before. */
  readonly recurs: boolean;

  constructor(downstream: ResponseSink, head: Head, body: number) {
    super();
    this.downstream = downstream;
    this.body = body;
    this.recurs = head.origin !== undefined;
    this.hear(`${head.method()} ${head.path()} ${body}`);
  }

  requestData(bytes: Buffer, start: number, end: number): void {
    this.hearData(this.request, bytes, start, end);
  }

  requestTrailers(trailers: Head): void {
    this.request.go('trailers', 'body');
    this.hear(`trailers ${fieldText(trailers)}`);
  }

  requestEnd(): void {
    this.request.go('ended', 'body', 'trailers');
    this.hear('end');
    this.over = this.#responseOver;
  }

  requestReset({ code, resetCode }: MeshError): void {
    this.request.go('reset', 'body', 'trailers', 'ended');
    this.hear(`reset ${code} ${resetCode ?? '-'}`);
    this.over = true;
  }

  responseCredit(bytes: number): void {
    this.hearCredit(bytes);
  }

  // ---- the answer ----

  interim(head: Head): void {
    this.downstream.responseInformational(head);
  }

  head(head: Head, body: number): void {
    // The request goes on as the tunnel's half.
    if (body === BODY_TUNNEL) this.request.go('body', 'ended');
    this.downstream.responseHead(head, body);
  }

  data(bytes: Buffer): void {
    this.downstream.responseData(bytes, 0, bytes.length);
  }

  trailers(trailers: Head): void {
    this.downstream.responseTrailers(trailers);
  }

  /** As the exchange does: it is recycled behind the call. */
  end(): void {
    this.#responseOver = true;
    this.downstream.responseEnd();
    this.over ||= this.request.place === 'ended';
  }

  reset(error: MeshError): void {
    this.over = true;
    this.downstream.responseReset(error);
  }

  unwanted(): void {
    assert(this.#responseOver, 'unwanted before the end');
    this.over = true;
    this.downstream.requestUnwanted();
  }

  returnCredit(bytes: number): void {
    this.downstream.requestCredit(bytes);
  }
}

/** Takes the answer to a request that a client session sends. */
export class StrictResponse extends Strict implements ResponseSink {
  readonly response = new HalfStream('response', 'before');
  #requestEnded = false;

  /** The test ended the request. */
  requestEnded(): void {
    this.#requestEnded = true;
    this.over ||= this.response.place === 'ended';
  }

  responseInformational(head: Head): void {
    this.response.go('before', 'before');
    this.hear(`interim ${head.status}`);
  }

  responseHead(head: Head, body: number): void {
    this.response.go('body', 'before');
    this.hear(`head ${head.status} ${body} ${fieldText(head)}`);
    if (body !== BODY_TUNNEL) return;
    assert(this.#requestEnded, 'a tunnel before the request was whole');
    this.#requestEnded = false;
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    this.hearData(this.response, bytes, start, end);
  }

  responseTrailers(trailers: Head): void {
    this.response.go('trailers', 'body');
    this.hear(`trailers ${fieldText(trailers)}`);
  }

  responseEnd(): void {
    this.response.go('ended', 'body', 'trailers');
    this.hear('end');
    this.over = this.#requestEnded;
  }

  responseReset({ code, retry, resetCode }: MeshError): void {
    this.response.go('reset', 'before', 'body', 'trailers');
    this.hear(`reset ${code} ${retry} ${resetCode ?? '-'}`);
    this.over = true;
  }

  requestCredit(bytes: number): void {
    this.hearCredit(bytes);
  }

  requestUnwanted(): void {
    assert.equal(this.response.place, 'ended', 'unwanted before the end');
    this.hear('unwanted');
    this.over = true;
  }
}
