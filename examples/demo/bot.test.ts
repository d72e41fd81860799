import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually, withDeadline } from '../../test/support/deadline.ts';
import { DemoProgram } from '../../test/support/demo-program.ts';

test('bot goes on without a ledger, and says once that nobody books', async () => {
  // Nobody is there either: a request that has no connection does not count.
  const environment = { WEB_SERVICE_HOST: '127.0.0.1', WEB_SERVICE_PORT: '1' };
  await using bot = await DemoProgram.start('bot.ts', environment);
  await eventually('its word', () => bot.said !== '');
  const sentence = 'LEDGER_SERVICE_PORT does not say where the ledger is: nobody books\n';
  assert.equal(bot.said, sentence);
  for (const operation of ['stop', 'start']) {
    const response = await fetch(`http://${bot.address}/${operation}`, { method: 'POST' });
    assert.equal(response.status, 200);
  }
  const closed = once(bot.process, 'close');
  bot.terminate();
  assert.deepEqual(await withDeadline('the bot to end', closed), [0, null]);
  assert.equal(bot.said, `${sentence}sent 0, succeeded 0, failed 0\n`);
});
