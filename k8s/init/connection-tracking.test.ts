import assert from 'node:assert/strict';
import { it } from 'node:test';
import { LIBERAL_FILE, makeTrackingLiberal } from './connection-tracking.ts';
import type { Ran, Runner } from './runner.ts';

const OK: Ran = { code: 0, missing: false, stdout: '', stderr: '' };

/** Programs that end so, and what was run. */
function programs(ends: Readonly<Record<string, Partial<Ran>>>): { run: Runner; ran: string[] } {
  const ran: string[] = [];
  const run: Runner = (program, args, input) => {
    ran.push(`${program} ${args.join(' ')} <${input}`);
    return Promise.resolve({ ...OK, ...ends[program] });
  };
  return { run, ran };
}

it('Tracking that is strict is made liberal', async () => {
  const { run, ran } = programs({ cat: { stdout: '0\n' } });
  assert.equal(await makeTrackingLiberal(run), undefined);
  assert.deepEqual(ran, [`cat ${LIBERAL_FILE} <`, `tee ${LIBERAL_FILE} <1\n`]);
});

it('Tracking that is liberal is left as it is', async () => {
  const { run, ran } = programs({ cat: { stdout: '2\n' } });
  assert.equal(await makeTrackingLiberal(run), undefined);
  assert.equal(ran.length, 1);
});

it('Tracking that cannot be made liberal is told with the reason', async () => {
  const stderr = `tee: ${LIBERAL_FILE}: Read-only file system\n`;
  const refused = programs({ cat: { stdout: '0\n' }, tee: { code: 1, stderr } });
  assert.match(
    (await makeTrackingLiberal(refused.run)) ?? '',
    /out of the window .*\(tee: .* Read-only file/,
  );
  const none = programs({ cat: { code: 1 }, tee: { code: undefined, missing: true } });
  assert.match((await makeTrackingLiberal(none.run)) ?? '', /tee is not installed/);
});
