/** meshctl: parses the command line and hands over to one file a command, loaded when asked for. */
import { setInterval } from 'node:timers/promises';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT_USAGE, parseSocketAddress } from '../base/settings.ts';
import type { SocketAddress } from '../base/settings.ts';
import { clientVersion } from './client-version.ts';
import type { CheckOptions } from './commands/check.ts';
import type { DevOptions } from './commands/dev.ts';
import type { StatOptions } from './commands/stat.ts';
import type { VersionOptions } from './commands/version.ts';
import { EXIT_FAILED, Failure } from './failure.ts';
import type { MeshApi } from './mesh-api.ts';
import type { Output } from './output.ts';
import { parseTimeWindow, TIME_WINDOW_ALLOWED } from './time-window.ts';

const WATCH_INTERVAL_MS = 1_000;

const output: Output = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  interactive: process.stdout.isTTY,
};

function parseAddress(text: string): SocketAddress {
  const address = parseSocketAddress(text);
  if (address === undefined) throw new InvalidArgumentError('It is ADDRESS:PORT.');
  return address;
}

const appendFile = (file: string, files: readonly string[]): readonly string[] => [...files, file];

function parseWindow(text: string): number {
  const windowSeconds = parseTimeWindow(text);
  if (windowSeconds === undefined) throw new InvalidArgumentError(`It is ${TIME_WINDOW_ALLOWED}.`);
  return windowSeconds;
}

const addressOption = (flags: string, text: string, port: number): Option =>
  new Option(flags, text)
    .default({ host: '127.0.0.1', port }, `127.0.0.1:${port}`)
    .argParser(parseAddress);
const apiOption = (): Option =>
  addressOption('--api <address>', 'public API of the controller', 8085).env('CULVERT_API');
const outputOption = (...formats: readonly string[]): Option =>
  new Option('-o, --output <format>', 'how to print').choices(formats).default('table');

/** Runs `use` with a connection to the API and closes it. */
async function withApi<T>(address: SocketAddress, use: (api: MeshApi) => Promise<T>): Promise<T> {
  const { MeshApi } = await import('./mesh-api.ts');
  const api = new MeshApi(address, Date.now);
  try {
    return await use(api);
  } finally {
    api.close();
  }
}

interface WithApi {
  readonly api: SocketAddress;
}

function versionCommand(): Command {
  return new Command('version')
    .description('print the versions of meshctl and of the controller')
    .option('--client', "print meshctl's own version only", false)
    .addOption(outputOption('table', 'json'))
    .addOption(apiOption())
    .action(async (options: VersionOptions & WithApi) => {
      const { runVersion } = await import('./commands/version.ts');
      await withApi(options.api, (api) => runVersion(api, options, output));
    });
}

function checkCommand(): Command {
  return new Command('check')
    .description('look for problems of the mesh; exits 2 when there are any')
    .option('--proxy', 'check the sidecars only', false)
    .option('-n, --namespace <name>', 'look at the pods of one namespace', '')
    .addOption(outputOption('table', 'json'))
    .addOption(apiOption())
    .action(async (options: CheckOptions & WithApi & { namespace: string }) => {
      const { runCheckCommand } = await import('./commands/check.ts');
      process.exitCode = await withApi(options.api, (api) => {
        const { namespace } = options;
        return runCheckCommand({ api, namespace, clientVersion: clientVersion() }, options, output);
      });
    });
}

const STAT_HELP = `
TYPE is deploy, po or ns (requests that their own sidecars received), svc or route (requests that
meshed callers sent, by destination). NAME may also follow a slash: deploy/web.

Examples:
  meshctl stat deploy -A                          every deployment
  meshctl stat route -n demo -t 5m                routes of the last five minutes
  meshctl stat deploy/web -n demo --to svc/rates  what web sends to rates`;

function statCommand(): Command {
  return new Command('stat')
    .description('success rate, requests a second and latencies of a kind of resource')
    .argument('<type>', 'deploy, po, ns, svc or route')
    .argument('[name]', 'one resource of the type')
    .option('-n, --namespace <name>', 'namespace to look in', 'default')
    .option('-A, --all-namespaces', 'look in all namespaces', false)
    .addOption(
      new Option('-t, --time-window <duration>', TIME_WINDOW_ALLOWED)
        .argParser(parseWindow)
        .default(60, '1m'),
    )
    .option('--to <resource>', 'only what the resource sends to this one')
    .option('--from <resource>', 'only what this one sends')
    .option('-w, --watch', 'print again each second', false)
    .addOption(outputOption('table', 'wide', 'json'))
    .addOption(apiOption())
    .addHelpText('after', STAT_HELP)
    .action(
      async (
        type: string,
        name: string | undefined,
        options: StatOptions & WithApi & { watch: boolean },
      ) => {
        const { runStat, statRequest, watchStat } = await import('./commands/stat.ts');
        const request = statRequest(type, name, options);
        await withApi(options.api, (api) =>
          options.watch
            ? watchStat(api, request, options, output, setInterval(WATCH_INTERVAL_MS))
            : runStat(api, request, options, output),
        );
      },
    );
}

function devCommand(): Command {
  return new Command('dev')
    .description('run a manifest on this machine: controller, applications and their sidecars')
    .addOption(
      new Option('-f, --file <file>', 'manifest to run, repeatable (default: the demo)')
        .argParser(appendFile)
        .default([], 'examples/demo/demo.yaml'),
    )
    .addOption(
      new Option('--network <kind>', 'how pods get addresses')
        .choices(['loopback'])
        .default('loopback'),
    )
    .option('--single-address', 'use 127.0.0.1 and distinct ports, as on macOS', false)
    .option('--logs', 'show everything that applications and sidecars print', false)
    .addOption(outputOption('table', 'json'))
    .addOption(apiOption())
    .addOption(addressOption('--proxy-api <address>', 'API that sidecars connect to', 8086))
    .addOption(addressOption('--controller-admin <address>', "the controller's admin port", 9995))
    .action(async (options: DevOptions) => {
      const { runDev } = await import('./commands/dev.ts');
      process.exitCode = await runDev(options, output, Date.now);
    });
}

function meshctl(): Command {
  const program = new Command('meshctl')
    .description('the tool of the Culvert service mesh')
    .version(clientVersion(), '-V, --version', "print meshctl's own version");
  for (const command of [devCommand(), statCommand(), checkCommand(), versionCommand()]) {
    program.addCommand(command);
  }
  for (const command of [program, ...program.commands]) command.exitOverride();
  return program;
}

process.stdout.on('error', (error) => {
  // A reader that has seen enough, as `head` has, is no failure.
  if ('code' in error && error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await meshctl().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has printed its sentence, or the help that was asked for.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else if (error instanceof Failure) {
    process.stderr.write(`meshctl: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = EXIT_FAILED;
  }
}
