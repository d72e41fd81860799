/** What can be typed after `meshctl`: each command hands over to one file, loaded when asked for. */
import { Argument, Command, Option } from 'commander';
import type { SocketAddress } from '../base/settings.ts';
import { clientVersion } from './client-version.ts';
import type { AwaitOptions } from './commands/await.ts';
import type { CheckOptions } from './commands/check.ts';
import type { DevRestartOptions } from './commands/dev-restart.ts';
import type { DiagnosticsEndpointsOptions } from './commands/diagnostics-endpoints.ts';
import type { DiagnosticsProxyOptions } from './commands/diagnostics-proxy.ts';
import type { DevOptions } from './commands/dev.ts';
import type { StatOptions } from './commands/stat.ts';
import type { VersionOptions } from './commands/version.ts';
import { commandShape } from './completion/command-shape.ts';
import { SHELLS } from './completion/completion-script.ts';
import type { Shell } from './completion/completion-script.ts';
import { READY_TIMEOUT, TIME_WINDOW, WATCH_INTERVAL } from './duration.ts';
import { ticks, untilInterrupted } from './interrupt.ts';
import type { MeshApi } from './mesh-api.ts';
import { addressOption, apiOption, durationOption, outputOption, rangeOption } from './options.ts';
import type { WithApi } from './options.ts';
import type { Output } from './output.ts';

/** Private ranges that others seldom take: container runtimes and clusters have theirs elsewhere. */
const POD_RANGE = '10.199.0.0/16';
const SERVICE_RANGE = '10.198.0.0/16';

const appendFile = (file: string, files: readonly string[]): readonly string[] => [...files, file];

/** What commands use of the process that runs them. */
export interface Surroundings {
  readonly output: Output;
  /** Milliseconds since 1970. */
  readonly wallClockMs: () => number;
}

/** Runs `use` with a connection to the API and closes it; calls take `deadlineMs` at most. */
async function withApi<T>(
  { wallClockMs }: Surroundings,
  address: SocketAddress,
  use: (api: MeshApi) => Promise<T>,
  deadlineMs?: number,
): Promise<T> {
  const { MeshApi } = await import('./mesh-api.ts');
  const api = new MeshApi(address, wallClockMs, deadlineMs);
  try {
    return await use(api);
  } finally {
    api.close();
  }
}

function versionCommand(surroundings: Surroundings): Command {
  const { output } = surroundings;
  return new Command('version')
    .description('print the versions of meshctl and of the controller')
    .option('--client', "print meshctl's own version only", false)
    .addOption(outputOption('table', 'json'))
    .addOption(apiOption())
    .action(async (options: VersionOptions & WithApi) => {
      const { runVersion } = await import('./commands/version.ts');
      await withApi(surroundings, options.api, (api) => runVersion(api, options, output));
    });
}

function checkCommand(surroundings: Surroundings): Command {
  const { output } = surroundings;
  return new Command('check')
    .description('look for problems of the mesh; exits 2 when there are any')
    .option('--proxy', 'check the sidecars only', false)
    .option('-n, --namespace <namespace>', 'look at the pods of one namespace', '')
    .addOption(outputOption('table', 'json'))
    .addOption(apiOption())
    .action(async (options: CheckOptions & WithApi & { namespace: string }) => {
      const { runCheckCommand } = await import('./commands/check.ts');
      const { sidecarMetrics: metrics, sidecarPast: past } =
        await import('./checks/sidecar-answers.ts');
      process.exitCode = await withApi(surroundings, options.api, (api) => {
        const { namespace } = options;
        const context = { api, namespace, clientVersion: clientVersion(), metrics, past };
        return runCheckCommand(context, options, output);
      });
    });
}

const STAT_HELP = `
TYPE is deploy, po or ns: requests that their own sidecars received. Or svc, au (authority: the host
and port that requests name) or route: requests that all meshed callers sent, by destination. Or all.
NAME may also follow a slash: deploy/web.

With --to X the rows are what the named deploy, po or ns sent to X, as its own sidecars saw it.
With --from X the rows are what X sent, by destination: the deploy, ns, svc, au or route it called.
Latency then has the way there and back in it. X is TYPE/NAME, or a TYPE: any of them.

Examples:
  meshctl stat deploy -A                            every deployment
  meshctl stat all -n demo                          every kind in one namespace
  meshctl stat deploy/web -n demo --to svc/rates    what web sends to rates
  meshctl stat route -n demo --from deploy/web      which routes web calls
  meshctl stat route -n demo -t 5m -w               routes of the last five minutes, again each second
  meshctl stat po -A -o wide                        the tail, cancelled requests, bytes
  meshctl stat deploy -A -o json -w                 a line of JSON each second`;

interface WatchOptions {
  readonly watch: boolean;
  /** Whole seconds. */
  readonly interval: number;
}

function statCommand(surroundings: Surroundings): Command {
  const { output } = surroundings;
  return new Command('stat')
    .description('success rate, requests a second and latencies of a kind of resource')
    .argument('<type>', 'deploy, po, ns, svc, au, route or all')
    .argument('[name]', 'one resource of the type')
    .option('-n, --namespace <namespace>', 'namespace to look in', 'default')
    .option('-A, --all-namespaces', 'look in all namespaces', false)
    .addOption(
      durationOption('-t, --time-window <duration>', 'what to sum up', TIME_WINDOW).default(
        60,
        '1m',
      ),
    )
    .option('--to <resource>', 'only what the named type sends to this one')
    .option('--to-namespace <namespace>', 'namespace of --to (default: that of -n)')
    .option('--from <resource>', 'only what this one sends, by destination')
    .option('--from-namespace <namespace>', 'namespace of --from (default: that of -n)')
    .option('-w, --watch', 'show it again and again until Ctrl-C', false)
    .addOption(
      durationOption('--interval <duration>', 'with -w, how often', WATCH_INTERVAL).default(
        1,
        '1s',
      ),
    )
    .addOption(outputOption('table', 'wide', 'json'))
    .addOption(apiOption())
    .addHelpText('after', STAT_HELP)
    .action(
      async (
        type: string,
        name: string | undefined,
        options: StatOptions & WithApi & WatchOptions,
      ) => {
        const { runStat, watchStat } = await import('./commands/stat.ts');
        const { statQuestion } = await import('./stat/stat-question.ts');
        const question = statQuestion(type, name, options);
        if (!options.watch) {
          await withApi(surroundings, options.api, (api) =>
            runStat(api, question, options, output),
          );
          return;
        }
        await untilInterrupted((stop) =>
          withApi(surroundings, options.api, (api) => {
            const pace = { ticks: ticks(options.interval * 1_000, stop), stop };
            return watchStat(api, question, options, output, pace);
          }),
        );
      },
    );
}

function devRestartCommand({ output }: Surroundings): Command {
  return new Command('restart')
    .description('replace the pods of a deployment of the mesh that runs, one after the other')
    .argument('<resource>', 'deploy/NAME')
    .option('-n, --namespace <namespace>', 'namespace of the deployment, where several have it')
    .option('--state-directory <file>', 'which mesh, where several run on this machine')
    .addOption(outputOption('table', 'json'))
    .action(async (resource: string, options: DevRestartOptions) => {
      const { runDevRestart } = await import('./commands/dev-restart.ts');
      await runDevRestart(resource, options, output);
    });
}

function devCommand(surroundings: Surroundings): Command {
  const { output } = surroundings;
  return new Command('dev')
    .description('run a manifest on this machine: controller, applications and their sidecars')
    .addOption(
      new Option('-f, --file <file>', 'manifest to run, repeatable (default: the demo)')
        .argParser(appendFile)
        .default([], 'examples/demo/demo.yaml'),
    )
    .addOption(
      new Option('--network <kind>', 'how pods get addresses')
        .choices(['loopback', 'netns'])
        .default('loopback'),
    )
    .addOption(rangeOption('--pod-range <range>', 'with netns, addresses of pods', POD_RANGE))
    .addOption(
      rangeOption('--service-range <range>', 'with netns, addresses of services', SERVICE_RANGE),
    )
    .option('--clean', 'with netns, remove what an earlier run left, and run nothing', false)
    .option('--single-address', 'use 127.0.0.1 and distinct ports, as on macOS', false)
    .option('--logs', 'show everything that applications and sidecars print', false)
    .addOption(outputOption('table', 'json'))
    .addOption(apiOption())
    .addOption(addressOption('--proxy-api <address>', 'API that sidecars connect to', 8086))
    .addOption(addressOption('--controller-admin <address>', "the controller's admin port", 9995))
    .enablePositionalOptions()
    .addCommand(devRestartCommand(surroundings))
    .action(async (options: DevOptions) => {
      const { runDev } = await import('./commands/dev.ts');
      process.exitCode = await runDev(options, output, surroundings.wallClockMs);
    });
}

const AWAIT_HELP = `
COMMAND gets our standard streams and the signals that we get. Its exit code is ours; 128 and the
number of the signal when one ended it, 127 when there is no such program, 126 when it cannot be
run. Then the sidecar drains and ends: so a Job's pod ends with its work.

Examples:
  meshctl await -- node import.ts --all
  meshctl await --timeout 10s -- sh -c 'curl -s http://rates.demo/ > rates.json'`;

function awaitCommand({ output }: Surroundings): Command {
  return new Command('await')
    .description('run a command once the sidecar is ready, and end the sidecar after it')
    .argument('<command...>', 'the program and its arguments, behind "--"')
    .addOption(
      addressOption('--admin <address>', "the sidecar's admin port", 4191).env('CULVERT_ADMIN'),
    )
    .addOption(
      durationOption('--timeout <duration>', 'how long to wait for it', READY_TIMEOUT).default(
        60,
        '1m',
      ),
    )
    .passThroughOptions()
    .addHelpText('after', AWAIT_HELP)
    .action(async (command: readonly string[], options: AwaitOptions) => {
      const { runAwait } = await import('./commands/await.ts');
      process.exitCode = await runAwait(command, options, output);
    });
}

function diagnosticsProxyCommand(surroundings: Surroundings): Command {
  const { output } = surroundings;
  return new Command('proxy')
    .description('what a sidecar holds: destinations, endpoints, versions, the last failures')
    .argument('[pod]', "the sidecar's pod")
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .addOption(addressOption('--admin <address>', "the sidecar's admin port, in place of the pod"))
    .addOption(outputOption('table', 'json'))
    .addOption(apiOption())
    .action(async (pod: string | undefined, options: DiagnosticsProxyOptions & WithApi) => {
      const { runDiagnosticsProxy } = await import('./commands/diagnostics-proxy.ts');
      await runDiagnosticsProxy(pod, options, output, (use) =>
        withApi(surroundings, options.api, use),
      );
    });
}

function diagnosticsEndpointsCommand(surroundings: Surroundings): Command {
  const { output } = surroundings;
  return new Command('endpoints')
    .description('what the controller tells sidecars of an authority')
    .argument('<authority>', 'HOST:PORT as requests name it, or a service that has one port')
    .option('-n, --namespace <namespace>', 'where short names are looked up', 'default')
    .addOption(outputOption('table', 'json'))
    .addOption(apiOption())
    .action(async (authority: string, options: DiagnosticsEndpointsOptions & WithApi) => {
      const { runDiagnosticsEndpoints } = await import('./commands/diagnostics-endpoints.ts');
      await withApi(surroundings, options.api, (api) =>
        runDiagnosticsEndpoints(api, authority, options, output),
      );
    });
}

function diagnosticsCommand(surroundings: Surroundings): Command {
  return new Command('diagnostics')
    .description('look at what the parts of the mesh hold')
    .addCommand(diagnosticsProxyCommand(surroundings))
    .addCommand(diagnosticsEndpointsCommand(surroundings));
}

const COMPLETION_HELP = `
Load it in the shell that runs, or from the file that the shell reads at its start:
  source <(meshctl completion bash)
  source <(meshctl completion zsh)       after compinit
  meshctl completion fish | source
The command to complete is meshctl: put it on PATH, in a checkout as node_modules/.bin. Names of
namespaces and resources come from the running mesh.`;

function completionCommand(program: Command, { output }: Surroundings): Command {
  return new Command('completion')
    .description('print a script that completes meshctl in a shell')
    .addArgument(new Argument('<shell>', 'the shell that reads it').choices(SHELLS))
    .addHelpText('after', COMPLETION_HELP)
    .action(async (shell: Shell) => {
      const { runCompletion } = await import('./commands/completion.ts');
      runCompletion(shell, commandShape(program), output);
    });
}

/** Somebody waits with a finger on the tab key. */
const COMPLETION_DEADLINE_MS = 1_000;

function completionWordsCommand(program: Command, surroundings: Surroundings): Command {
  return new Command('completion-words')
    .description('for completion scripts: what the last of these words can become')
    .argument('[words...]')
    .addOption(apiOption())
    .action(async (words: readonly string[], { api }: WithApi) => {
      const { runCompletionWords } = await import('./commands/completion.ts');
      const ask = {
        apiDefault: api,
        withApi: <T>(address: SocketAddress, use: (api: MeshApi) => Promise<T>) =>
          withApi(surroundings, address, use, COMPLETION_DEADLINE_MS),
      };
      await runCompletionWords(words, commandShape(program), ask, surroundings.output);
    });
}

/** The program and its commands; all of them throw a `CommanderError` in place of an exit. */
export function commandLine(surroundings: Surroundings): Command {
  const program = new Command('meshctl')
    .description('the tool of the Culvert service mesh')
    .version(clientVersion(), '-V, --version', "print meshctl's own version")
    // A command's own flags come behind it: those of `dev restart` are not those of `dev`.
    .enablePositionalOptions();
  const shown = [
    devCommand(surroundings),
    statCommand(surroundings),
    checkCommand(surroundings),
    diagnosticsCommand(surroundings),
    awaitCommand(surroundings),
    versionCommand(surroundings),
    completionCommand(program, surroundings),
  ];
  for (const command of shown) program.addCommand(command);
  program.addCommand(completionWordsCommand(program, surroundings), { hidden: true });
  throwInPlaceOfExit(program);
  return program;
}

function throwInPlaceOfExit(command: Command): void {
  command.exitOverride();
  for (const below of command.commands) throwInPlaceOfExit(below);
}
