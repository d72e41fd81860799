/**
 * proxy-init: prints or applies the iptables rules that bring the connections of a pod to its sidecar
 * (docs/proxy-init.md). Runs once, before the sidecar and the application, in the pod's network namespace.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { EXIT_USAGE, describeSettings } from '../../base/settings.ts';
import { applyRules } from './apply-rules.ts';
import { missingCapabilities } from './capability.ts';
import { checkRules } from './check-rules.ts';
import { InitFailure } from './failure.ts';
import { INIT_FLAGS, USAGE, readInitFlags } from './flags.ts';
import type { InitFlags } from './flags.ts';
import { removeRules } from './remove-rules.ts';
import { appliedReport, checkedReport, failedReport, removedReport, simulation } from './report.ts';
import type { Report } from './report.ts';
import { systemRunner } from './runner.ts';

/** The tables are as they were. */
const EXIT_FAILED = 1;
/** `--check`: the rules are not in force. */
const EXIT_PROBLEMS_FOUND = 2;
/** The tables are neither as they were nor as asked. */
const EXIT_HALFWAY = 3;
/** Shells and Kubernetes read it so: 128 and the signal's number. */
const EXIT_SIGNAL_BASE = 128;

/** A report and the exit code that goes with it. */
type Outcome = readonly [report: Report, exitCode: number];

const interruption = new AbortController();
let interruptedBy = 0;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interruptedBy = constants.signals[signal];
    interruption.abort();
  });
}

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(describeSettings(USAGE, INIT_FLAGS));
} else {
  const { flags, problems } = readInitFlags(args, process.env);
  const usage: Outcome = [{ out: '', err: `${problems.join('\n')}\n` }, EXIT_USAGE];
  const [{ out, err }, exitCode] = problems.length > 0 ? usage : await obey(flags);
  process.stdout.write(out);
  process.stderr.write(err);
  process.exitCode = exitCode;
}

async function obey(flags: InitFlags): Promise<Outcome> {
  if (flags.simulate) return [simulation(flags), 0];
  const unable = whyUnable(flags);
  if (unable !== undefined) return failed(new InitFailure(unable), flags);
  const run = systemRunner();
  const request = { options: flags, backend: flags.backend, ipv6: flags.ipv6 };
  if (flags.check) {
    const checked = await checkRules(request, run);
    return [checkedReport(checked, flags), checked.problems.length > 0 ? EXIT_PROBLEMS_FOUND : 0];
  }
  if (flags.remove) {
    const removed = await removeRules(flags.backend, run, interruption.signal);
    return removed instanceof InitFailure
      ? failed(removed, flags)
      : [removedReport(removed, flags), 0];
  }
  const applied = await applyRules(request, run, interruption.signal);
  return applied instanceof InitFailure
    ? failed(applied, flags)
    : [appliedReport(applied, flags), 0];
}

function failed(failure: InitFailure, flags: InitFlags): Outcome {
  const signalled = interruptedBy > 0 ? EXIT_SIGNAL_BASE + interruptedBy : EXIT_FAILED;
  return [failedReport(failure, flags), failure.halfway ? EXIT_HALFWAY : signalled];
}

/** A sentence when nothing can come of it. */
function whyUnable({ backend }: InitFlags): string | undefined {
  if (process.platform !== 'linux') return 'proxy-init needs Linux: iptables is its.';
  const missing = missingCapabilities(readFileSync('/proc/self/status', 'utf8'), backend);
  if (missing.length === 0) return undefined;
  return `proxy-init needs root, or ${missing.join(' and ')}, to change the tables of this network namespace.`;
}
