/** The demo mesh for real: everything that `npm start` promises, checked from outside. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { RatesClient } from '../../api/gen/office/v1/office.ts';
import { eventually } from '../support/deadline.ts';
import { DemoRun, isAlive } from '../support/demo-run.ts';
import { checkDemo, rowsWhen } from '../support/demo-truth.ts';

test('demo runs, tells the truth about its traffic, and ends on Ctrl-C without a trace', async () => {
  const dev = await DemoRun.start();
  try {
    await checkDemo(dev);
    assert.equal(await dev.end('SIGINT'), 0);
  } finally {
    dev.process.kill('SIGKILL');
  }
});

test('demo leaves nothing behind when dev is killed', async () => {
  const dev = await DemoRun.start();
  assert.ok(dev.pids.every(isAlive));
  assert.equal(await dev.end('SIGKILL'), null);
});

/** Asks rates for a price: what went wrong, if anything. */
async function quote(address: string): Promise<ServiceError | undefined> {
  const client = new RatesClient(address, credentials.createInsecure(), {
    'grpc.enable_http_proxy': 0,
  });
  const { promise, resolve } = Promise.withResolvers<ServiceError | undefined>();
  client.quote({ zone: 'domestic' }, (error) => resolve(error ?? undefined));
  return promise.finally(() => client.close());
}

test('demo with a single address restarts what dies and keeps its address', async () => {
  const dev = await DemoRun.start('--single-address');
  try {
    const { applicationPid, ports } = dev.pod('rates');
    const address = ports[0]?.address ?? '';
    assert.match(address, /^127\.0\.0\.1:/);
    assert.equal(await quote(address), undefined);
    process.kill(applicationPid, 'SIGKILL');
    await eventually('the application to be gone', () => !isAlive(applicationPid));
    const answers = async (): Promise<boolean> => (await quote(address)) === undefined;
    await eventually('rates to answer again', answers, 10_000);
    await rowsWhen(dev, 'deploy', (rows) =>
      rows.some(({ name, rps }) => name === 'web' && rps > 0),
    );
    assert.equal(await dev.end('SIGTERM'), 0);
  } finally {
    dev.process.kill('SIGKILL');
  }
});
