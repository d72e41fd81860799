/** A request of the generator on HTTP/2, or a gRPC call with one message after the other. */
import { NO_GRPC_STATUS, NO_STATUS } from './http2-status.ts';
import { MESSAGE_PREFIX_BYTES, type UploadingStream } from './http2-upload.ts';
import type { RequestShape } from './plan.ts';

const ERROR_STATUS = 400;

/** From its head to the end of its answer; the object of one that ended is used again. */
export class Http2Stream implements UploadingStream {
  id = 0;
  ticket = 0;
  /** The ticket's request is under way; false while a call rests between two messages. */
  busy = false;
  /** Of the answer; NO_STATUS until its head came. */
  status = NO_STATUS;
  grpcStatus = NO_GRPC_STATUS;
  answerBytes: number | undefined;
  bodyBytes = 0;
  unsentBytes = 0;
  windowBytes = 0;
  /** Received and not yet given back to the server's window. */
  owedBytes = 0;
  messageBytes = 0;
  ends = true;
  /** Messages of the call that were not given to it yet. */
  messagesLeft = 0;
  /** Body that has come when all messages given so far are answered. */
  dueBytes = 0;

  /** Begins a request of `shape`; a call is given its first message. */
  begin(id: number, ticket: number, shape: RequestShape, windowBytes: number): void {
    const { answerBytes, bodyBytes, grpc } = shape;
    this.id = id;
    this.ticket = ticket;
    this.busy = true;
    this.status = NO_STATUS;
    this.grpcStatus = NO_GRPC_STATUS;
    this.answerBytes = answerBytes;
    this.bodyBytes = 0;
    this.unsentBytes = bodyBytes;
    this.windowBytes = windowBytes;
    this.owedBytes = 0;
    this.messageBytes = grpc === undefined ? 0 : grpc.messageBytes + MESSAGE_PREFIX_BYTES;
    this.messagesLeft = grpc?.messages ?? 0;
    this.ends = true;
    this.dueBytes = 0;
    if (grpc !== undefined) this.nextMessage();
  }

  /** The call's next message is to be sent. */
  nextMessage(): void {
    this.busy = true;
    this.messagesLeft--;
    this.ends = this.messagesLeft === 0;
    this.unsentBytes = this.messageBytes;
    this.dueBytes += this.messageBytes;
  }

  /** Whether the call's message is answered whole, and another follows. */
  get mayRest(): boolean {
    return (
      this.busy &&
      this.messagesLeft > 0 &&
      this.unsentBytes === 0 &&
      this.bodyBytes === this.dueBytes
    );
  }

  /** Whether a part of the request is not with the server. */
  get asks(): boolean {
    return this.unsentBytes > 0 || !this.ends;
  }

  /** What is wrong with the whole answer; undefined when nothing is. */
  get fault(): string | undefined {
    if (this.status >= ERROR_STATUS) return `status ${this.status}`;
    if (this.messageBytes > 0) return this.#callFault;
    return this.answerBytes !== undefined && this.bodyBytes !== this.answerBytes
      ? 'body length'
      : undefined;
  }

  get #callFault(): string | undefined {
    if (this.grpcStatus === NO_GRPC_STATUS) return 'no grpc-status';
    if (this.grpcStatus !== 0) return `grpc-status ${this.grpcStatus}`;
    return this.messagesLeft > 0 || this.bodyBytes !== this.dueBytes ? 'body length' : undefined;
  }
}
