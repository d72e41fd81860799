/** Clients that send requests all the time, each awaiting its answer, and miss nothing. */
import { setTimeout as pause } from 'node:timers/promises';
import { headOf, readResponse, statusOf, valuesOf, type Message } from './raw-http.ts';
import { dial, type PeerLink } from './scripted-peer.ts';

const LINK = { record: false } as const;
const FAILURES_KEPT = 20;

export interface LoadOptions {
  readonly clients?: number;
  /** Pause between an answer and that client's next request: keeps the machine for others. */
  readonly pauseMs?: number;
  readonly host?: string;
  /** Method and target of the n-th request. */
  readonly requestLine?: (n: number) => string;
  /** Length of the n-th request's body; 0 is none. */
  readonly bodyBytes?: (n: number) => number;
  /** Whether an answer with that status is as it should be: 200 is. */
  readonly isGood?: (status: number) => boolean;
  /** Whether the n-th request is the last one on its connection. */
  readonly closes?: (n: number) => boolean;
  /**
   * A request whose kept connection ends before a byte of the answer is sent again on another one, as
   * HTTP clients do (RFC 9112 section 9.3.1): the other side had closed it while it came.
   */
  readonly repeats?: boolean;
}

/** What came of it. `failures`: the first ones, in words; `failed`: all of them. */
export interface LoadTotals {
  readonly sent: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly failures: readonly string[];
  /** All failures, by their method and target. */
  readonly failedByLine: ReadonlyMap<string, number>;
}

/** A closed loop of clients over kept connections, from `new` to `stop`. */
export class Load {
  sent = 0;
  succeeded = 0;
  failed = 0;
  readonly failures: string[] = [];
  readonly failedByLine = new Map<string, number>();
  /** Successful answers by their body, without padding: who answered. */
  readonly bodies = new Map<string, number>();
  readonly #address: string;
  readonly #options: Required<LoadOptions>;
  readonly #clients: Promise<unknown>;
  #stopping = false;

  /** Begins at once. `address`: "127.0.0.1:4140". */
  constructor(address: string, options: LoadOptions = {}) {
    this.#address = address;
    this.#options = {
      clients: 6,
      pauseMs: 4,
      host: 'web',
      requestLine: (n) => `GET /things/${n % 10}`,
      bodyBytes: () => 0,
      closes: () => false,
      repeats: false,
      isGood: (status) => status === 200,
      ...options,
    };
    this.#clients = Promise.all(
      Array.from({ length: this.#options.clients }, () => this.#client()),
    );
  }

  get totals(): LoadTotals {
    const { sent, succeeded, failed, failures, failedByLine } = this;
    const byLine = new Map(failedByLine);
    return { sent, succeeded, failed, failures: [...failures], failedByLine: byLine };
  }

  /** Lets every request that is under way end, and closes the connections. */
  async stop(): Promise<LoadTotals> {
    this.#stopping = true;
    await this.#clients;
    return this.totals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #client(): Promise<void> {
    let link: PeerLink | undefined;
    while (!this.#stopping) {
      const n = this.sent++;
      try {
        // A connection that was closed while nothing was asked of it cost no request.
        if (link === undefined || link.ended) link = await dial(this.#address, LINK);
        const used = link;
        const before = used.receivedBytes;
        const response = await this.#exchange(used, n).catch(async (error: unknown) => {
          const untouched = before > 0 && used.receivedBytes === before;
          if (!this.#options.repeats || !untouched) throw error;
          used.destroy();
          link = await dial(this.#address, LINK);
          return this.#exchange(link, n);
        });
        if (valuesOf(response.fields, 'connection').includes('close')) link = undefined;
      } catch (error) {
        this.#fail(n, String(error));
        link?.destroy();
        link = undefined;
      }
      if (this.#options.pauseMs > 0) await pause(this.#options.pauseMs);
    }
    link?.destroy();
  }

  async #exchange(link: PeerLink, n: number): Promise<Message> {
    const { requestLine, host, bodyBytes, closes } = this.#options;
    const line = `${requestLine(n)} HTTP/1.1`;
    const length = bodyBytes(n);
    const lines = [line, `Host: ${host}`];
    if (length > 0) lines.push(`Content-Length: ${length}`);
    if (closes(n)) lines.push('Connection: close');
    await link.send(headOf(...lines) + 'x'.repeat(length));
    const response = await readResponse(link, line.split(' ')[0]);
    const body = response.body.toString().trimEnd();
    if (this.#options.isGood(statusOf(response))) {
      this.succeeded++;
      this.bodies.set(body, (this.bodies.get(body) ?? 0) + 1);
    } else {
      const why = valuesOf(response.fields, 'culvert-proxy-error').join();
      this.#fail(n, `${response.startLine}: ${why === '' ? body : why}`);
    }
    return response;
  }

  #fail(n: number, why: string): void {
    this.failed++;
    const line = this.#options.requestLine(n);
    this.failedByLine.set(line, (this.failedByLine.get(line) ?? 0) + 1);
    if (this.failures.length < FAILURES_KEPT) this.failures.push(`request ${n}: ${why}`);
  }
}
