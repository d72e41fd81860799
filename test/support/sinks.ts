/** Both sides of an exchange in a test's hands: they keep what they hear, as text. */
import type { RequestSink, ResponseSink } from '../../proxy/model/exchange.ts';
import type { Head } from '../../proxy/model/head.ts';
import type { MeshError } from '../../proxy/model/mesh-error.ts';
import { fieldsOf } from './heads.ts';

const fieldText = (head: Head): string =>
  fieldsOf(head)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

/** What a half-stream's calls have in common. */
class Heard {
  /** What was called, in order; data as one entry however it is cut. */
  readonly calls: string[] = [];
  dataBytes = 0;
  credit = 0;
  #inData = false;

  protected hear(call: string): void {
    this.calls.push(call);
    this.#inData = false;
  }

  protected hearData(bytes: Buffer, start: number, end: number): void {
    const text = bytes.toString('latin1', start, end);
    this.dataBytes += text.length;
    if (this.#inData) this.calls[this.calls.length - 1] += text;
    else this.calls.push(`data ${text}`);
    this.#inData = true;
  }
}

/** Takes a response. */
export class HeardResponse extends Heard implements ResponseSink {
  onEnd: () => void = () => undefined;

  responseInformational(head: Head): void {
    this.hear(`interim ${head.status}`);
  }

  responseHead(head: Head, body: number): void {
    this.hear(`head ${head.status} ${body} ${fieldText(head)}`);
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    this.hearData(bytes, start, end);
  }

  responseTrailers(trailers: Head): void {
    this.hear(`trailers ${fieldText(trailers)}`);
  }

  responseEnd(): void {
    this.hear('end');
    this.onEnd();
  }

  responseReset(error: MeshError): void {
    this.hear(`reset ${error.code} ${error.retry}`);
  }

  requestCredit(bytes: number): void {
    this.credit += bytes;
  }

  requestUnwanted(): void {
    this.hear('unwanted');
  }
}

/** Takes a request that a server session opened. */
export class HeardRequest extends Heard implements RequestSink {
  readonly downstream: ResponseSink;
  /** The client of the whole request sends nothing more. */
  clientGone = false;

  constructor(downstream: ResponseSink, head: Head, body: number) {
    super();
    this.downstream = downstream;
    this.hear(`${head.method()} ${head.path()} ${body} ${head.authority()}`);
  }

  requestData(bytes: Buffer, start: number, end: number): void {
    this.hearData(bytes, start, end);
  }

  requestTrailers(trailers: Head): void {
    this.hear(`trailers ${fieldText(trailers)}`);
  }

  requestEnd(): void {
    this.hear('end');
  }

  requestReset(error: MeshError): void {
    this.hear(`reset ${error.code}`);
  }

  responseCredit(bytes: number): void {
    this.credit += bytes;
  }

  clientEnded(): void {
    this.clientGone = true;
  }
}
