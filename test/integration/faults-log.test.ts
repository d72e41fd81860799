import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import { headOf, readResponse, statusOf } from '../support/raw-http.ts';
import { dial, PeerServer, unusedPort } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const GET = headOf('GET /x HTTP/1.1', 'Host: web');

/** The status of the answer to `request` on a connection of its own. */
async function ask(sidecar: Sidecar, request: string, halfClose = false): Promise<number> {
  using client = await dial(sidecar.address);
  await client.send(request);
  if (halfClose) client.halfClose();
  return statusOf(await readResponse(client));
}

const logLines = (sidecar: Sidecar, sentence: RegExp): string[] =>
  sidecar.stderr.split('\n').filter((line) => sentence.test(line));

/** Responses of the sidecar with a status, by classification. */
async function counted(sidecar: Sidecar, status: number) {
  const samples = parseSamples((await sidecar.admin('/metrics')).text);
  const of = (classification: string) =>
    sumOf(samples, 'response_total', { status_code: String(status), classification });
  return { success: of('success'), failure: of('failure') };
}

describe('what a sidecar says of failures', () => {
  it('is their sentence in the log, inbound too, at most once a second', async () => {
    await using sidecar = await Sidecar.inbound(await unusedPort());
    const sinceMs = performance.now();
    let failures = 0;
    // Into the second after: the line then says how many were left out.
    while (performance.now() - sinceMs < 1_200) {
      assert.equal(await ask(sidecar, GET), 502);
      failures++;
    }
    const seconds = Math.ceil((performance.now() - sinceMs) / 1_000);
    const refused = /WARN proxy: Cannot connect to 127\.0\.0\.1:\d+: ECONNREFUSED\. /;
    const lines = await eventually('a second line', () => {
      const found = logLines(sidecar, refused);
      return found.length > 1 && found;
    });
    assert.ok(lines.length <= seconds, lines.join('\n'));
    assert.match(lines[0]!, /direction=inbound error=upstream-refused$/);
    const leftOut = Number(/ repeated=(\d+)$/.exec(lines[1]!)?.[1]);
    assert.ok(leftOut > 0 && leftOut <= failures - 2, `${leftOut} of ${failures} were left out`);
  });

  it('is not that a client sent a malformed body: 400, no failure, no line', async () => {
    await using upstream = await PeerServer.listen((link) => link.untilEnded());
    await using sidecar = await Sidecar.inbound(upstream.port);
    const chunked = headOf('POST /1 HTTP/1.1', 'Host: web', 'Transfer-Encoding: chunked');
    const sized = headOf('POST /1 HTTP/1.1', 'Host: web', 'Content-Length: 5');
    assert.equal(await ask(sidecar, `${chunked}zz\r\n`), 400);
    assert.equal(await ask(sidecar, `${sized}ab`, true), 400);
    assert.deepEqual(await counted(sidecar, 400), { success: 2, failure: 0 });
    assert.deepEqual(logLines(sidecar, /WARN|ERROR/), []);
  });

  it('is at the level of debugging what a client did wrong', async () => {
    await using upstream = await PeerServer.listen((link) => link.untilEnded());
    await using sidecar = await Sidecar.inbound(upstream.port, '--log-level', 'debug');
    const sized = headOf('POST /1 HTTP/1.1', 'Host: web', 'Content-Length: 5');
    assert.equal(await ask(sidecar, `${sized}ab`, true), 400);
    const sentence = /DEBUG proxy: The request ended before .* error=malformed-request$/;
    await eventually('the line', () => logLines(sidecar, sentence).length === 1);
  });

  it('counts its own 404 as a success, its own 502 as a failure', async () => {
    await using sidecar = await Sidecar.outbound([await unusedPort()]);
    assert.equal(await ask(sidecar, headOf('GET /x HTTP/1.1', 'Host: nobody')), 404);
    assert.equal(await ask(sidecar, GET), 502);
    assert.deepEqual(await counted(sidecar, 404), { success: 1, failure: 0 });
    assert.deepEqual(await counted(sidecar, 502), { success: 0, failure: 1 });
  });
});
