import { messageOf } from '../failure.ts';
import type { Check, CheckContext, CheckResult, Finding } from './check.ts';

/**
 * Runs the checks in order, one result or more for each. A check that rejects has failed with the
 * rejection's message; when it is essential the rest is skipped.
 */
export async function runChecks(
  checks: readonly Check[],
  context: CheckContext,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  let missing: string | undefined;
  for (const check of checks) {
    if (missing === undefined) {
      const found = await runCheck(check, context);
      results.push(...found);
      const broken = check.essential === true && found.some(({ status }) => status === 'failed');
      if (broken) missing = check.description;
    } else {
      results.push(resultOf(check, 'skipped', `not checked: it needs "${missing}"`, ''));
    }
  }
  return results;
}

async function runCheck(check: Check, context: CheckContext): Promise<readonly CheckResult[]> {
  try {
    const found = await check.run(context);
    return 'results' in found ? found.results : [summarise(check, found)];
  } catch (error) {
    return [resultOf(check, 'failed', messageOf(error), check.hint)];
  }
}

function summarise(check: Check, findings: readonly Finding[]): CheckResult {
  const [first] = findings;
  if (first === undefined) return resultOf(check, 'ok', '', '');
  const status = findings.some(({ status }) => status === 'failed') ? 'failed' : 'warning';
  const problem = findings.map(({ problem }) => problem).join('; ');
  return resultOf(check, status, problem, first.hint ?? check.hint);
}

const resultOf = (
  { id, description }: Check,
  status: CheckResult['status'],
  problem: string,
  hint: string,
): CheckResult => ({ id, description, status, problem, hint });
