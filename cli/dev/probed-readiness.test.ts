import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProbedReadiness } from './probed-readiness.ts';

/** "+" for each probe after which the pod is ready, "-" for the others. */
function after(answers: string): string {
  const probed = new ProbedReadiness();
  let ready = false;
  let said = '';
  for (const answer of answers) {
    ready = probed.after(answer === '+', ready);
    said += ready ? '+' : '-';
  }
  return said;
}

test('ProbedReadiness needs one answer to begin, and three misses in a row to end', () => {
  assert.equal(after('--+'), '--+');
  assert.equal(after('+--+--+'), '+++++++');
  assert.equal(after('+---'), '+++-');
  assert.equal(after('+----+-'), '+++--++');
});

test('ProbedReadiness keeps no pod ready that was found not to be', () => {
  const probed = new ProbedReadiness();
  assert.equal(probed.after(true, false), true);
  assert.equal(probed.after(false, false), false);
});
