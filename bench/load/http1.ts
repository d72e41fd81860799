/** HTTP/1.1 without pipelining: requests are bytes made once, answers are read as they come. */
import type { Client, Outcomes, Session, Wire } from './client.ts';
import { MALFORMED, MORE, Http1ResponseReader } from './http1-response.ts';
import { allocateNative, type NativeBytes } from './libc.ts';
import type { LoadPlan, RequestShape } from './plan.ts';

/** Status from which an answer is an error. */
const ERROR_STATUS = 400;

/** A request ready to be sent, and what its answer must be. */
interface Prepared {
  readonly bytes: NativeBytes;
  readonly answerBytes: number | undefined;
}

/** The client side of HTTP/1.1 for a plan. */
export class Http1Client implements Client {
  readonly requestsAtOnce = 1;
  readonly #prepared: readonly Prepared[];
  readonly #closes: boolean;

  constructor(plan: Pick<LoadPlan, 'authority' | 'connectionPerRequest' | 'requests'>) {
    this.#closes = plan.connectionPerRequest;
    this.#prepared = plan.requests.map((shape) => ({
      bytes: requestBytes(shape, plan.authority, plan.connectionPerRequest),
      answerBytes: shape.answerBytes,
    }));
  }

  createSession(wire: Wire, outcomes: Outcomes): Session {
    return new Http1Session(this.#prepared, this.#closes, wire, outcomes);
  }
}

function requestBytes(shape: RequestShape, authority: string, closes: boolean): NativeBytes {
  const lines = [
    `${shape.method} ${shape.path} HTTP/1.1`,
    `Host: ${authority}`,
    ...(closes ? ['Connection: close'] : []),
    ...(shape.bodyBytes > 0 || shape.method === 'POST'
      ? ['Content-Type: application/octet-stream', `Content-Length: ${shape.bodyBytes}`]
      : []),
  ];
  const head = `${lines.join('\r\n')}\r\n\r\n`;
  const native = allocateNative(head.length + shape.bodyBytes);
  native.bytes.fill('x');
  native.bytes.write(head, 'latin1');
  return native;
}

/** No request under way. */
const NONE = -1;

class Http1Session implements Session {
  readonly #prepared: readonly Prepared[];
  readonly #closes: boolean;
  readonly #wire: Wire;
  readonly #outcomes: Outcomes;
  readonly #reader = new Http1ResponseReader();
  #ticket = NONE;
  #answerBytes: number | undefined;

  constructor(prepared: readonly Prepared[], closes: boolean, wire: Wire, outcomes: Outcomes) {
    this.#prepared = prepared;
    this.#closes = closes;
    this.#wire = wire;
    this.#outcomes = outcomes;
  }

  send(ticket: number, shape: number): void {
    const prepared = this.#prepared[shape];
    if (prepared === undefined) throw new Error(`there is no request shape ${shape}`);
    this.#ticket = ticket;
    this.#answerBytes = prepared.answerBytes;
    this.#reader.begin();
    this.#wire.write(prepared.bytes, prepared.bytes.bytes.length);
  }

  /** Nothing is gathered: a request leaves when it is sent. */
  flush(): void {}

  drained(): void {}

  receive(bytes: Buffer, length: number): boolean {
    if (this.#ticket === NONE) {
      this.#outcomes.strayed('unasked bytes');
      return false;
    }
    const end = this.#reader.read(bytes, length);
    if (end === MORE) return true;
    if (end === MALFORMED || end !== length) {
      this.#conclude('malformed');
      return false;
    }
    this.#conclude(this.#fault());
    return this.#reader.keepAlive && !this.#closes;
  }

  end(reason: string): void {
    if (this.#ticket === NONE) return;
    this.#conclude(this.#reader.endOfConnection() ? this.#fault() : reason);
  }

  /** What is wrong with the whole answer. */
  #fault(): string | undefined {
    const { status, bodyBytes } = this.#reader;
    if (status >= ERROR_STATUS) return `status ${status}`;
    if (this.#answerBytes !== undefined && bodyBytes !== this.#answerBytes) return 'body length';
    return undefined;
  }

  #conclude(fault: string | undefined): void {
    const ticket = this.#ticket;
    this.#ticket = NONE;
    if (fault === undefined) this.#outcomes.answered(ticket);
    else this.#outcomes.failed(ticket, fault);
  }
}
