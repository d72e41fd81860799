/** What proxy-init prints. */
import type { Applied } from './apply-rules.ts';
import { freshText } from './change.ts';
import type { Checked } from './check-rules.ts';
import { LIBERAL, LIBERAL_FILE } from './connection-tracking.ts';
import type { InitFailure } from './failure.ts';
import type { InitFlags } from './flags.ts';
import { interceptionRules } from './interception-rules.ts';
import { BACKENDS, FAMILY_NAMES, NatTable } from './nat-table.ts';
import type { Removed } from './remove-rules.ts';
import { ruleLine } from './rule.ts';
import type { Runner } from './runner.ts';
import type { Family } from './subnet.ts';

/** Lines for standard output and for standard error. */
export interface Report {
  readonly out: string;
  readonly err: string;
}

/** Nothing is run for a simulation. */
const runNothing: Runner = () =>
  Promise.resolve({ code: undefined, missing: true, stdout: '', stderr: '' });

/** The rules for a namespace whose tables are untouched, as input of iptables-restore. */
export function simulation(flags: InitFlags): Report {
  const families: readonly Family[] = flags.ipv6 === 'off' ? ['ipv4'] : ['ipv4', 'ipv6'];
  const backend = flags.backend === 'auto' ? (BACKENDS[0] ?? 'nft') : flags.backend;
  const plans = families.map((family) => {
    const rules = interceptionRules(flags, family);
    const command = new NatTable(runNothing, backend, family).restoreCommand;
    return { family, command, input: freshText(rules), rules };
  });
  if (flags.output === 'json') {
    const shown = plans.map(({ rules, ...plan }) => ({
      ...plan,
      rules: [...rules.rules, ...rules.jumps].map((rule) => ({
        chain: rule.chain,
        comment: rule.comment,
        line: ruleLine(rule),
      })),
    }));
    return { out: jsonLine({ event: 'simulated', families: shown, settings: [SETTING] }), err: '' };
  }
  const texts = plans.map(
    ({ family, command, input }) => `# ${FAMILY_NAMES[family]}: ${command}\n${input}`,
  );
  const setting = `# Connection tracking: echo ${SETTING.value} >${SETTING.file}\n`;
  return { out: [...texts, setting].join('\n'), err: '' };
}

/** Of the kernel, beside the rules. */
const SETTING = { file: LIBERAL_FILE, value: LIBERAL };

/** After the rules were applied. */
export function appliedReport({ changed, families, warnings }: Applied, flags: InitFlags): Report {
  const err = lines(warnings);
  if (flags.output === 'json') {
    return { out: jsonLine({ event: 'applied', changed, families, warnings }), err };
  }
  const out = families.map(
    ({ family, backend, rules }) =>
      `${FAMILY_NAMES[family]} (${backend}): ${changed ? 'in force' : 'in force already'}, ${rules} rules. TCP to this pod goes to port ${flags.inboundPort}, from it to port ${flags.outboundPort}; user ${flags.proxyUid} passes.`,
  );
  return { out: lines(out), err };
}

/** After the rules were removed. */
export function removedReport({ families, warnings }: Removed, flags: InitFlags): Report {
  const err = lines(warnings);
  if (flags.output === 'json') {
    return { out: jsonLine({ event: 'removed', families, warnings }), err };
  }
  const out = families.map(
    ({ family, backend }) => `${FAMILY_NAMES[family]} (${backend}): removed.`,
  );
  return { out: out.length > 0 ? lines(out) : 'There is nothing of culvert to remove.\n', err };
}

/** After a check. */
export function checkedReport({ families, problems }: Checked, flags: InitFlags): Report {
  const err = lines(problems);
  if (flags.output === 'json') {
    return { out: jsonLine({ event: 'checked', families, problems }), err };
  }
  const out = families.map(
    ({ family, backend, rules }) =>
      `${FAMILY_NAMES[family]} (${backend}): in force, ${rules} rules.`,
  );
  return { out: lines(out), err };
}

/** When it failed. */
export function failedReport({ sentence, halfway }: InitFailure, flags: InitFlags): Report {
  const end = halfway ? '' : ' The tables are as they were.';
  const err = `${sentence}${end}\n`;
  if (flags.output === 'json') {
    return { out: jsonLine({ event: 'failed', error: sentence, halfway }), err };
  }
  return { out: '', err };
}

const lines = (sentences: readonly string[]): string => sentences.map((it) => `${it}\n`).join('');

const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
