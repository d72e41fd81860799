import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const WATCHED = `
const { watchAncestors } = await import(process.env.ANCESTORS);
setTimeout(() => process.exit(), 20000);
await watchAncestors(process.env, () => { console.log('gone'); process.exit(); });
console.log('watching');
`;

/** What the watched grandchild prints after its parent, or the parent's parent, was killed. */
async function linesAfterKill(
  environment: Readonly<Record<string, string>>,
  script: string,
): Promise<readonly string[]> {
  const { npm_lifecycle_event: _, CULVERT_LAUNCHED: __, ...ours } = process.env;
  const parent = spawn('sh', ['-c', script], {
    env: {
      ...ours,
      ...environment,
      NODE: process.execPath,
      WATCHED,
      ANCESTORS: new URL('ancestors.ts', import.meta.url).href,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: parent.stdout })) {
    lines.push(line);
    if (line === 'watching') {
      const exited = once(parent, 'exit');
      parent.kill('SIGKILL');
      await exited;
    }
  }
  return lines;
}

const NODE = '"$NODE" --input-type=module -e "$WATCHED"';

test('watchAncestors sees its launcher die', async () => {
  assert.deepEqual(await linesAfterKill({ CULVERT_LAUNCHED: '1' }, `${NODE}; true`), [
    'watching',
    'gone',
  ]);
});

test('watchAncestors sees npm die behind the shell between them', async () => {
  const script = `sh -c '${NODE}; true'; true`;
  assert.deepEqual(await linesAfterKill({ npm_lifecycle_event: 'start' }, script), [
    'watching',
    'gone',
  ]);
});

test('watchAncestors leaves alone what was started by hand', async () => {
  // Twice the time in which the watch would have seen it.
  const script = `${NODE.replace('$WATCHED', '${WATCHED}setTimeout(() => process.exit(), 1000);')}; true`;
  assert.deepEqual(await linesAfterKill({}, script), ['watching']);
});
