/** Starts the real sidecar as its own process, stand-alone or with a controller, and ends it. */
import type { ChildProcess } from 'node:child_process';
import { Program, type Exit } from './program.ts';
import { readResponse, statusOf } from './raw-http.ts';
import { dial } from './scripted-peer.ts';

interface ReadyLine {
  readonly event: 'ready';
  readonly inbound: readonly string[];
  readonly outbound: readonly string[];
  readonly wayOut: readonly string[];
  readonly admin: string;
  readonly pid: number;
}

/** A sidecar process. `inbound`, `outbound`, `admin`: "127.0.0.1:4143". */
export class Sidecar {
  ready!: ReadyLine;
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  /** Runs a sidecar with `args` and does not wait for its ready line. */
  static spawn(...args: readonly string[]): Sidecar {
    return new Sidecar(new Program('proxy/main.ts', args));
  }

  /** Runs a sidecar with `args` and an admin port of its own; rejects with its stderr. */
  static start(...args: readonly string[]): Promise<Sidecar> {
    return Sidecar.spawn(...args, '--admin', '127.0.0.1:0').untilReady();
  }

  /** As `start`, with a limit of open files. */
  static startLimited(descriptors: number, ...args: readonly string[]): Promise<Sidecar> {
    const all = [...args, '--admin', '127.0.0.1:0'];
    return new Sidecar(new Program('proxy/main.ts', all, { descriptors })).untilReady();
  }

  /** As `start`; SIGUSR2 to its process kills a data thread, SIGHUP all (mortal-sidecar.ts). */
  static startMortal(...args: readonly string[]): Promise<Sidecar> {
    const program = new Program('test/support/mortal-sidecar.ts', [
      ...args,
      '--admin',
      '127.0.0.1:0',
    ]);
    return new Sidecar(program).untilReady();
  }

  /** Itself, once it has said that it is ready; otherwise it is ended. */
  async untilReady(deadlineMs?: number): Promise<this> {
    try {
      this.ready = await this.#program.ready<ReadyLine>(deadlineMs);
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Inbound, forwarding to 127.0.0.1:`port`. */
  static inbound(port: number, ...args: readonly string[]): Promise<Sidecar> {
    return Sidecar.start('--inbound', '127.0.0.1:0', '--forward', `127.0.0.1:${port}`, ...args);
  }

  /** As `inbound`, for an application that is declared to speak `protocol`. */
  static inboundOf(
    protocol: 'http1' | 'http2',
    port: number,
    ...args: readonly string[]
  ): Promise<Sidecar> {
    const forward = `${protocol}://127.0.0.1:${port}`;
    return Sidecar.start('--inbound', '127.0.0.1:0', '--forward', forward, ...args);
  }

  /** Outbound; the authority `web` is served by 127.0.0.1 on each of `ports`. */
  static outbound(ports: readonly number[], ...args: readonly string[]): Promise<Sidecar> {
    const addresses = ports.map((port) => `127.0.0.1:${port}`).join(',');
    return Sidecar.start('--outbound', '127.0.0.1:0', '--to', `web=${addresses}`, ...args);
  }

  get process(): ChildProcess {
    return this.#program.process;
  }

  get exited(): Promise<Exit> {
    return this.#program.exited;
  }

  /** Throws with what it wrote on stderr if it has ended. */
  assertRuns(): void {
    this.#program.assertRuns();
  }

  /** What it wrote on stderr so far. */
  get stderr(): string {
    return this.#program.stderr;
  }

  get inbound(): string {
    return this.ready.inbound[0]!;
  }

  get outbound(): string {
    return this.ready.outbound[0]!;
  }

  get wayOut(): string {
    return this.ready.wayOut[0]!;
  }

  /** The one listener for traffic of a sidecar that has one. */
  get address(): string {
    return this.ready.inbound[0] ?? this.ready.outbound[0]!;
  }

  /** One request to the admin port on a connection of its own. */
  async admin(target: string, method = 'GET', body = '') {
    using link = await dial(this.ready.admin);
    await link.send(
      `${method} ${target} HTTP/1.1\r\nHost: ${this.ready.admin}\r\nConnection: close\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    const response = await readResponse(link, method);
    return { status: statusOf(response), fields: response.fields, text: response.body.toString() };
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  /** Ends the process at once; safe to call twice. */
  async stop(): Promise<void> {
    await this.#program.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
