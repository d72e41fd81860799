import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withDeadline } from '../support/deadline.ts';
import { DeafServer } from '../support/deaf-server.ts';
import {
  headOf,
  okAnswer,
  readRequest,
  readResponse,
  statusOf,
  valuesOf,
} from '../support/raw-http.ts';
import { dial, PeerServer, unusedPort } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const GET = headOf('GET /x HTTP/1.1', 'Host: web');
/** Far below the defaults of 10 s and 1 s. */
const SHORT_MS = 200;

describe('a limit of the sidecar that is set', () => {
  it('--head-timeout-ms ends a head that takes longer', async () => {
    await using sidecar = await Sidecar.inbound(
      await unusedPort(),
      '--head-timeout-ms',
      String(SHORT_MS),
    );
    using client = await dial(sidecar.address);
    const sinceMs = performance.now();
    await client.send('GET /x HT');
    assert.equal(statusOf(await readResponse(client)), 408);
    const tookMs = performance.now() - sinceMs;
    assert.ok(tookMs > SHORT_MS / 2 && tookMs < 5_000, `after ${tookMs} ms`);
  });

  // Other systems treat a full queue in other ways.
  const skip = process.platform !== 'linux' && 'it needs the queue of Linux';
  it('--connect-timeout-ms ends a dial that is not answered', { skip }, async () => {
    await using deaf = await DeafServer.listen();
    await using sidecar = await Sidecar.outbound(
      [deaf.port],
      '--connect-timeout-ms',
      String(SHORT_MS),
    );
    using client = await dial(sidecar.address);
    await client.send(GET);
    const response = await readResponse(client);
    assert.equal(statusOf(response), 504);
    const sentence = valuesOf(response.fields, 'culvert-proxy-error').join();
    assert.match(sentence, new RegExp(`accepted no connection within ${SHORT_MS} ms`));
  });

  it('--head-bytes-max refuses a longer head, and only that', async () => {
    await using upstream = await PeerServer.listen(async (link) => {
      for (;;) {
        await readRequest(link);
        await link.send(okAnswer());
      }
    });
    const set = ['--head-bytes-max', '2048', '--target-bytes-max', '256'];
    await using sidecar = await Sidecar.inbound(upstream.port, ...set);
    for (const [bytes, status] of [
      [1_900, 200],
      [2_100, 431],
    ] as const) {
      using client = await dial(sidecar.address);
      const field = 'A: ';
      const rest = headOf('GET /x HTTP/1.1', 'Host: web', field).length;
      await client.send(headOf('GET /x HTTP/1.1', 'Host: web', field + 'a'.repeat(bytes - rest)));
      assert.equal(statusOf(await readResponse(client)), status, `${bytes} bytes`);
    }
  });

  for (const [what, args, line] of [
    [
      'contradicts another',
      ['--target-bytes-max', '2048', '--head-bytes-max', '2048'],
      /--target-bytes-max 2048 must be below --head-bytes-max 2048/,
    ],
    ['is no address to dial from', ['--dial-from', '1.2.3'], /--dial-from: .*an IP address/],
  ] as const) {
    it(`stops the start with one line and 64 when it ${what}`, async () => {
      const listen = ['--inbound', '127.0.0.1:0', '--forward', '127.0.0.1:1'];
      await using sidecar = Sidecar.spawn(...listen, '--admin', '127.0.0.1:0', ...args);
      const { code } = await withDeadline('the sidecar to exit', sidecar.exited);
      assert.equal(code, 64);
      const lines = sidecar.stderr.trimEnd().split('\n');
      assert.equal(lines.length, 1, sidecar.stderr);
      assert.match(lines[0]!, line);
    });
  }
});

it('an outbound sidecar serves for its quiet time after SIGTERM', async () => {
  await using upstream = await PeerServer.listen(async (link) => {
    await readRequest(link);
    await link.send(okAnswer());
  });
  await using sidecar = await Sidecar.outbound([upstream.port], '--drain-quiet-ms', '1500');
  const sinceMs = performance.now();
  sidecar.signal('SIGTERM');
  // Its application may still dial, though it has no connection now.
  using client = await dial(sidecar.address);
  await client.send(GET);
  assert.equal(statusOf(await readResponse(client)), 200);
  client.destroy();
  const { code } = await withDeadline('the sidecar to exit', sidecar.exited, 15_000);
  assert.equal(code, 0);
  assert.ok(performance.now() - sinceMs > 1_300);
});
