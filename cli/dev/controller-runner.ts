import path from 'node:path';
import { formatSocketAddress, parseSocketAddress } from '../../base/settings.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { Failure } from '../failure.ts';
import { Child, describeExit } from './child.ts';
import type { OnLine, Program } from './child.ts';
import { systemClock } from './clock.ts';
import type { Environment } from './environment.ts';
import type { Guardian } from './guardian.ts';
import { SupervisedProgram } from './supervised-program.ts';

const START_DEADLINE_MS = 20_000;

/** Where the controller listens. */
export interface ControllerAddresses {
  readonly api: SocketAddress;
  readonly proxyApi: SocketAddress;
  readonly admin: SocketAddress;
}

/** How the controller is started. */
export interface ControllerOptions {
  readonly root: string;
  readonly environment: Environment;
  readonly guardian: Guardian;
  /** Files and directories, absolute. */
  readonly resources: readonly string[];
  /** What was asked for; port 0 lets the system choose. */
  readonly listen: ControllerAddresses;
  readonly verbose: boolean;
  readonly onLine: OnLine;
  readonly onTrouble: (sentence: string) => void;
}

/** Runs the controller: once until it is ready, then again whenever it ends, where it was. */
export class ControllerRunner {
  readonly #options: ControllerOptions;
  #program: SupervisedProgram | undefined;
  /** The first run, until it is ready. */
  #starting: Child | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#program?.pid;
  }

  /** Resolves to the addresses it got; rejects with a `Failure` when it does not become ready. */
  async start(signal: AbortSignal): Promise<ControllerAddresses> {
    const { guardian, onLine, onTrouble } = this.#options;
    const ready = Promise.withResolvers<ControllerAddresses>();
    let started = false;
    const first = this.#run(this.#options.listen, (stream, line) => {
      if (started) onLine(stream, line);
      const addresses = stream === 'stdout' && !started ? parseReadyLine(line) : undefined;
      if (addresses !== undefined) ready.resolve(addresses);
    });
    this.#starting = first;
    const giveUp = (what: string) => (): void =>
      ready.reject(new Failure(['the controller ' + what, ...first.stderrTail].join('\n    ')));
    void first.exited.then((exit) => giveUp(`${describeExit(exit)} before it was ready`)());
    signal.addEventListener('abort', giveUp('was stopped before it was ready'), { once: true });
    const cancel = systemClock.schedule(
      START_DEADLINE_MS,
      giveUp(`was not ready within ${START_DEADLINE_MS / 1_000} s`),
    );
    const addresses = await ready.promise.finally(cancel);
    started = true;
    // What it thinks of the manifest it has said before it was ready.
    for (const line of first.stderrTail) onLine('stderr', line);

    const runs = [first];
    this.#program = new SupervisedProgram({
      name: 'the controller',
      start: () =>
        runs.pop() ??
        new Child(this.#programAt(addresses), guardian, (stream, line) => onLine(stream, line)),
      clock: systemClock,
      onDown: () => {},
      onTrouble,
    });
    this.#program.start();
    this.#starting = undefined;
    return addresses;
  }

  stop(signal: NodeJS.Signals): void {
    this.#program?.stop(signal);
    this.#starting?.signal(signal);
  }

  /** Resolves when it has ended. */
  async exited(): Promise<void> {
    await (this.#program?.exited() ?? this.#starting?.exited);
  }

  #run(listen: ControllerAddresses, onLine: OnLine): Child {
    return new Child(this.#programAt(listen), this.#options.guardian, onLine);
  }

  #programAt(listen: ControllerAddresses): Program {
    const { root, environment, resources, verbose } = this.#options;
    const argv = [process.execPath, path.join(root, 'base', 'launch.mjs'), 'controller/main.ts'];
    for (const resource of resources) argv.push('--resources', resource);
    argv.push('--api', formatSocketAddress(listen.api));
    argv.push('--proxy-api', formatSocketAddress(listen.proxyApi));
    argv.push('--admin', formatSocketAddress(listen.admin));
    argv.push('--log-level', verbose ? 'info' : 'warn');
    return { argv, directory: root, environment };
  }
}

/** The addresses in `{"event":"ready","api":"…","proxyApi":"…","admin":"…"}`. */
function parseReadyLine(line: string): ControllerAddresses | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const fields: Partial<Record<string, unknown>> = { ...parsed };
  if (fields['event'] !== 'ready') return undefined;
  const [api, proxyApi, admin] = ['api', 'proxyApi', 'admin'].map((name) =>
    parseSocketAddress(String(fields[name])),
  );
  return api === undefined || proxyApi === undefined || admin === undefined
    ? undefined
    : { api, proxyApi, admin };
}
