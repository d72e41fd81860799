import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { ForeignServer, runForeign, without } from '../support/foreign.ts';
import { splitAddress } from '../support/scripted-peer.ts';
import { TCP_WAYS, TcpPath } from '../support/tcp-ways.ts';

const skip = without('redis-server', 'redis-cli');
const LONG = 'x'.repeat(100_000);
const ANSWER_BYTES = 4_000_000;

let server: ForeignServer | undefined;
before(async () => {
  if (skip !== false) return;
  server = await ForeignServer.start('redis-server', ({ directory }, { host, port }) => [
    '--bind',
    host,
    '--port',
    String(port),
    '--dir',
    directory,
    // Nothing is written to disk.
    '--save',
    '',
  ]);
});
after(async () => server?.[Symbol.asyncDispose]());

const portOf = (): number => server?.port ?? assert.fail('no server');

for (const way of TCP_WAYS) {
  it(`redis-cli speaks with Redis through ${way.name}`, { skip }, async () => {
    await using path = await TcpPath.open(way, portOf());
    const [host, port] = splitAddress(path.address);
    const ask = (...command: readonly string[]): Promise<string> =>
      runForeign('redis-cli', '-h', host, '-p', String(port), '--raw', ...command);
    assert.equal(await ask('PING'), 'PONG\n');
    assert.equal(await ask('SET', way.name, LONG), 'OK\n');
    assert.equal(await ask('GET', way.name), `${LONG}\n`);
    assert.equal(await ask('STRLEN', way.name), `${LONG.length}\n`);
    const script = `return string.rep('y', ${ANSWER_BYTES})`;
    assert.equal(await ask('EVAL', script, '0'), `${'y'.repeat(ANSWER_BYTES)}\n`);
    assert.match(await ask('LPUSH', way.name, 'x'), /^WRONGTYPE /);
  });
}
