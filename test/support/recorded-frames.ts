/** What a frame reader told, as lines that tests compare. */
import { errorCodeName } from '../../proxy/codec/http2/error-code.ts';
import type { Http2Fault } from '../../proxy/codec/http2/error-code.ts';
import { FrameReader } from '../../proxy/codec/http2/frame-reader.ts';
import type { FrameEvents } from '../../proxy/codec/http2/frame-reader.ts';

const faultText = ({ code, limit }: Http2Fault): string =>
  limit === undefined ? errorCodeName(code) : `${errorCodeName(code)} ${limit}`;

/**
 * Events as lines: "headers 1 abc end", "fault PROTOCOL_ERROR". Pieces of one DATA frame become one
 * line, so that lines do not depend on how the input was cut.
 */
export class RecordedFrames implements FrameEvents {
  readonly lines: string[] = [];
  /** Sentences of the faults. */
  readonly sentences: string[] = [];
  readonly reader: FrameReader = new FrameReader(this);
  /** Stop the reader at this event: the number of lines that there will be. */
  stopAfter = Number.POSITIVE_INFINITY;
  /** Pieces of DATA and what they stood for. */
  pieces = 0;
  #data: { stream: number; text: string; flow: number } | undefined;
  #dataDue = 0;
  /** Whether frames themselves are recorded. */
  readonly #withFrames: boolean;

  constructor(withFrames = false) {
    this.#withFrames = withFrames;
  }

  #line(line: string): void {
    this.lines.push(line);
    if (this.lines.length >= this.stopAfter) this.reader.stop();
  }

  onFrame(type: number, length: number, flags: number): void {
    if (type === 0) this.#dataDue = length;
    if (this.#withFrames) this.#line(`frame ${type} ${length} ${flags}`);
  }

  onData(
    stream: number,
    bytes: Buffer,
    start: number,
    end: number,
    flowBytes: number,
    endStream: boolean,
  ): void {
    this.pieces++;
    this.#data ??= { stream, text: '', flow: 0 };
    this.#data.text += bytes.toString('latin1', start, end);
    this.#data.flow += flowBytes;
    this.#dataDue -= flowBytes;
    if (this.#dataDue > 0 && !endStream) return;
    const { text, flow } = this.#data;
    this.#data = undefined;
    this.#line(`data ${stream} ${JSON.stringify(text)} flow ${flow}${endStream ? ' end' : ''}`);
  }

  onHeaders(stream: number, block: Buffer, start: number, end: number, endStream: boolean): void {
    const text = JSON.stringify(block.toString('latin1', start, end));
    this.#line(`headers ${stream} ${text}${endStream ? ' end' : ''}`);
  }

  onReset(stream: number, code: number): void {
    this.#line(`reset ${stream} ${errorCodeName(code)}`);
  }

  onSettings(payload: Buffer, start: number, end: number): void {
    this.#line(`settings ${payload.toString('hex', start, end)}`);
  }

  onSettingsAck(): void {
    this.#line('settings ack');
  }

  onPing(payload: Buffer, start: number): void {
    this.#line(`ping ${payload.toString('latin1', start, start + 8)}`);
  }

  onPingAck(payload: Buffer, start: number): void {
    this.#line(`ping ack ${payload.toString('latin1', start, start + 8)}`);
  }

  onGoaway(lastStream: number, code: number, debug: string): void {
    this.#line(`goaway ${lastStream} ${errorCodeName(code)} ${JSON.stringify(debug)}`);
  }

  onWindowUpdate(stream: number, increment: number): void {
    this.#line(`window ${stream} ${increment}`);
  }

  onPushPromise(stream: number): void {
    this.#line(`push ${stream}`);
  }

  onPriority(stream: number): void {
    this.#line(`priority ${stream}`);
  }

  onStreamFault(stream: number, fault: Http2Fault): void {
    this.sentences.push(fault.sentence);
    this.#line(`stream ${stream} fault ${faultText(fault)}`);
  }

  onFault(fault: Http2Fault): void {
    this.sentences.push(fault.sentence);
    this.#line(`fault ${faultText(fault)}`);
  }
}
