/** meshctl await and diagnostics against a real sidecar. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withDeadline } from '../support/deadline.ts';
import { exitCodeOf } from '../support/exit-code.ts';
import { portOf } from '../support/mesh.ts';
import { okAnswer, readRequest, readResponse, statusOf, valuesOf } from '../support/raw-http.ts';
import { dial, PeerServer, unusedPort, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const QUICK = ['--drain-quiet-ms', '100'] as const;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function meshctl(...args: readonly string[]): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const argv = ['base/launch.mjs', 'cli/main.ts', ...args];
  execFile(process.execPath, argv, { cwd: ROOT }, (error, stdout, stderr) =>
    resolve({ code: exitCodeOf(error), stdout, stderr }),
  );
  return promise;
}

async function answerAll(link: PeerLink): Promise<void> {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer('made it'));
  }
}

describe('meshctl beside a sidecar', () => {
  it('await runs a command that uses the sidecar, which ends after it', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.outbound([upstream.port], ...QUICK);
    const options = { host: '127.0.0.1', port: portOf(sidecar.outbound), headers: { host: 'web' } };
    const script = `require('http').get(${JSON.stringify(options)}, (r) => r.pipe(process.stdout))`;
    const command = [process.execPath, '-e', script];
    const admin = ['--admin', sidecar.ready.admin];
    const { code, stderr, stdout } = await meshctl('await', ...admin, '--', ...command);
    assert.deepEqual([code, stdout, stderr], [0, 'made it', '']);
    const exit = await withDeadline('the sidecar to end', sidecar.exited, 15_000);
    assert.deepEqual(exit, { code: 0, signal: null });
  });

  it('diagnostics proxy shows what it holds, and dials that fail in the words of the answer', async () => {
    const nobody = await unusedPort();
    await using sidecar = await Sidecar.outbound([nobody]);
    using client = await dial(sidecar.outbound);
    await client.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
    const answer = await readResponse(client);
    assert.equal(statusOf(answer), 502);
    const [sentence = ''] = valuesOf(answer.fields, 'culvert-proxy-error');
    assert.match(
      sentence,
      /^web cannot be reached, with 1 of 1 endpoints ready\. Last dial error: Cannot connect to 127\.0\.0\.1:\d+: ECONNREFUSED\. It has failed for 0\.\d s\.$/,
    );
    const admin = ['--admin', sidecar.ready.admin];
    const { code, stderr, stdout } = await meshctl('diagnostics', 'proxy', ...admin, '-o', 'json');
    assert.deepEqual([code, stderr], [0, '']);
    const { controller, destinations, errors, ready } = JSON.parse(stdout) as {
      ready: boolean;
      controller: null;
      destinations: readonly {
        target: string;
        endpoints: readonly { address: string; lastDialError: string; failingForMs: number }[];
      }[];
      errors: readonly { error: string; sentence: string; count: number }[];
    };
    assert.deepEqual([ready, controller], [true, null]);
    assert.deepEqual(
      destinations.map(({ endpoints, target }) => [target, endpoints[0]?.address]),
      [['web:*', `127.0.0.1:${nobody}`]],
    );
    assert.match(destinations[0]?.endpoints[0]?.lastDialError ?? '', /ECONNREFUSED/);
    assert.deepEqual(
      errors.map(({ count, error, sentence: said }) => [error, said, count]),
      [['upstream-refused', sentence, 1]],
    );
  });
});
