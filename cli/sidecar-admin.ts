/** The admin port of one sidecar, as commands use it. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { formatSocketAddress } from '../base/settings.ts';
import type { SocketAddress } from '../base/settings.ts';
import { Failure, messageOf } from './failure.ts';

const ANSWER_DEADLINE_MS = 2_000;

/** One sidecar's admin port. Addresses are of this machine: it tells strangers hardly anything. */
export class SidecarAdmin {
  /** "ADDRESS:PORT". */
  readonly address: string;

  constructor(address: SocketAddress) {
    this.address = formatSocketAddress(address);
  }

  /** Undefined when it is ready, otherwise why not. Never rejects but when `signal` aborts. */
  async whyNotReady(signal?: AbortSignal): Promise<string | undefined> {
    try {
      const { status, body } = await this.#ask('/ready', 'GET', signal);
      return status === 200 ? undefined : body || `it answers ${status}`;
    } catch (error) {
      signal?.throwIfAborted();
      return reasonOf(error);
    }
  }

  /** Tells it to drain and to end. A `Failure` when it does not take that. */
  async shutdown(): Promise<void> {
    await this.#text('/shutdown', 'POST');
  }

  /** What /config.json says. A `Failure` when it is not to be had. */
  async config(): Promise<unknown> {
    return this.#json('/config.json');
  }

  /** What /interception.json says. A `Failure` when it is not to be had. */
  async interception(): Promise<unknown> {
    return this.#json('/interception.json');
  }

  /** The page of /metrics. A `Failure` when it is not to be had. */
  async metrics(): Promise<string> {
    return this.#text('/metrics', 'GET');
  }

  async #json(path: string): Promise<unknown> {
    const said = await this.#text(path, 'GET');
    try {
      return JSON.parse(said);
    } catch {
      throw new Failure(`what answers at ${this.address} is no sidecar: ${path} is no JSON`);
    }
  }

  async #text(path: string, method: string): Promise<string> {
    const { body, status } = await this.#ask(path, method).catch((error: unknown) => {
      throw new Failure(
        `cannot reach the sidecar's admin port at ${this.address}: ${reasonOf(error)}; say where it is with --admin ADDRESS:PORT`,
      );
    });
    if (status === 200) return body;
    throw new Failure(
      `the admin port at ${this.address} refused ${method} ${path}: ${body || status}`,
    );
  }

  /** By node:http: fetch refuses some ports. */
  async #ask(path: string, method: string, signal?: AbortSignal): Promise<Answer> {
    const deadline = AbortSignal.timeout(ANSWER_DEADLINE_MS);
    const options = {
      method,
      agent: false,
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    } as const;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const asked = request(`http://${this.address}${path}`, options, (response) => {
      const whole = text(response).then((body) => ({
        status: response.statusCode ?? 0,
        body: body.trim(),
      }));
      whole.then(resolve, reject);
    });
    asked.once('error', (error) => {
      const late = deadline.aborted && signal?.aborted !== true;
      reject(late ? new Error(`no answer within ${ANSWER_DEADLINE_MS / 1_000} s`) : error);
    });
    asked.end();
    return promise;
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The system's word for it. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  return code ?? messageOf(error);
}
