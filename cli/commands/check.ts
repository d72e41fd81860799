import { apiChecks } from '../checks/api-checks.ts';
import type { CheckContext, CheckResult } from '../checks/check.ts';
import { interceptionChecks } from '../checks/interception-checks.ts';
import { proxyChecks } from '../checks/proxy-checks.ts';
import { runChecks } from '../checks/run-checks.ts';
import { EXIT_PROBLEMS_FOUND } from '../failure.ts';
import { formatJson } from '../output.ts';
import type { Output } from '../output.ts';

/** What the user asked of `check`. */
export interface CheckOptions {
  readonly output: 'table' | 'json';
  /** Only what concerns the sidecars. */
  readonly proxy: boolean;
}

/** `meshctl check`. Resolves to the exit code: 0, or 2 when a check failed. */
export async function runCheckCommand(
  context: CheckContext,
  options: CheckOptions,
  output: Output,
): Promise<number> {
  const checks = [...apiChecks, ...proxyChecks, ...interceptionChecks].filter(
    ({ dataPlane }) => dataPlane || !options.proxy,
  );
  const results = await runChecks(checks, context);
  const failed = results.filter(({ status }) => status === 'failed').length;
  if (options.output === 'json') output.out(formatJson({ ok: failed === 0, checks: results }));
  else output.out(`${results.map(formatResult).join('')}\n${summary(results, failed)}\n`);
  return failed === 0 ? 0 : EXIT_PROBLEMS_FOUND;
}

function formatResult({ id, description, status, problem, hint }: CheckResult): string {
  let text = `${status.padEnd(8)} ${description} (${id})\n`;
  if (problem !== '') text += `         ${problem}\n`;
  if (hint !== '') text += `         hint: ${hint}\n`;
  return text;
}

function summary(results: readonly CheckResult[], failed: number): string {
  const warnings = results.filter(({ status }) => status === 'warning').length;
  const skipped = results.filter(({ status }) => status === 'skipped').length;
  const parts = [`${results.length} checks`, `${failed} failed`];
  if (warnings > 0) parts.push(`${warnings} warnings`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(', ');
}
