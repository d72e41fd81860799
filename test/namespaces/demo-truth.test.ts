/** What is promised of the demo on loopback is true of it in network namespaces as well. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DemoRun } from '../support/demo-run.ts';
import { checkDemo } from '../support/demo-truth.ts';
import { NETNS, untilNothingIsLeft, withoutNamespaces } from '../support/namespaces.ts';

const skip = withoutNamespaces();

it('Demo in namespaces tells the truth about its traffic, at every end', { skip }, async () => {
  const dev = await DemoRun.start(...NETNS);
  try {
    await checkDemo(dev);
    assert.equal(await dev.end('SIGINT'), 0);
    await untilNothingIsLeft(dev.pids);
  } finally {
    dev.process.kill('SIGKILL');
  }
});
