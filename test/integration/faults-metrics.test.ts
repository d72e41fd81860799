import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { parseSamples, sumOf, type Sample } from '../support/prometheus-text.ts';
import { headOf, readRequest, readResponse, statusOf } from '../support/raw-http.ts';
import { dial, EndOfBytesError, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const get = (target: string) => headOf(`GET ${target} HTTP/1.1`, 'Host: web');

/** Answers `/NNN` with that status, `/cut` with half a body, `/hang` never. */
async function serve(link: PeerLink): Promise<void> {
  for (;;) {
    const { startLine } = await readRequest(link);
    const target = startLine.split(' ')[1]!;
    if (target === '/hang') continue;
    if (target === '/cut') {
      await link.send(`${headOf('HTTP/1.1 200 OK', 'Content-Length: 9')}part`);
      link.halfClose();
      return;
    }
    await link.send(headOf(`HTTP/1.1 ${target.slice(1)} Status`, 'Content-Length: 2') + 'ok');
  }
}

const samplesOf = async (sidecar: Sidecar): Promise<Sample[]> =>
  parseSamples((await sidecar.admin('/metrics')).text);

for (const side of ['inbound', 'outbound'] as const) {
  describe(`metrics of a sidecar, ${side}`, () => {
    it('equal what happened', async () => {
      await using upstream = await PeerServer.listen(serve);
      const { port } = upstream;
      await using sidecar =
        side === 'inbound' ? await Sidecar.inbound(port) : await Sidecar.outbound([port]);
      const statuses = [200, 200, 200, 201, 404, 404, 500, 503, 200, 302];
      const client = await dial(sidecar.address);
      for (const status of statuses) {
        await client.send(get(`/${status}`));
        assert.equal(statusOf(await readResponse(client)), status);
      }
      using cut = await dial(sidecar.address);
      await cut.send(get('/cut'));
      await assert.rejects(readResponse(cut), EndOfBytesError);
      using cancelled = await dial(sidecar.address);
      const { length: links } = upstream.links;
      await cancelled.send(get('/hang'));
      await eventually('the request upstream', () =>
        upstream.links.slice(links - 1).some((link) => link.received.includes('/hang')),
      );
      cancelled.reset();
      client.destroy();

      const direction = { direction: side };
      const samples = await eventually('the cancelled exchange to be counted', async () => {
        const all = await samplesOf(sidecar);
        return sumOf(all, 'response_cancel_total', direction) === 1 && all;
      });
      const responses = (labels: Record<string, string>) =>
        sumOf(samples, 'response_total', { ...direction, ...labels });
      assert.equal(sumOf(samples, 'request_total', direction), statuses.length + 2);
      assert.equal(responses({}), statuses.length + 1);
      assert.equal(responses({ status_code: '200', classification: 'success' }), 4);
      assert.equal(responses({ status_code: '200', classification: 'failure' }), 1, 'cut');
      assert.equal(responses({ status_code: '404', classification: 'success' }), 2);
      assert.equal(responses({ status_code: '500', classification: 'failure' }), 1);
      assert.equal(responses({ status_code: '503', classification: 'failure' }), 1);
      assert.equal(responses({ classification: 'success' }), 8);
      assert.equal(sumOf(samples, 'response_latency_ms_count', direction), statuses.length + 1);
      const infinity = { ...direction, le: '+Inf' };
      assert.equal(sumOf(samples, 'response_latency_ms_bucket', infinity), statuses.length + 1);
      assert.ok(sumOf(samples, 'tcp_read_bytes_total') > 0);
      assert.ok(sumOf(samples, 'tcp_write_bytes_total') > 0);
    });

    it('count connections down to none', async () => {
      await using upstream = await PeerServer.listen(serve);
      const { port } = upstream;
      await using sidecar =
        side === 'inbound' ? await Sidecar.inbound(port) : await Sidecar.outbound([port]);
      for (let count = 0; count < 10; count++) {
        using client = await dial(sidecar.address);
        await client.send(get('/200'));
        assert.equal(statusOf(await readResponse(client)), 200);
      }
      // Pooled connections close when they have been idle for 3 s.
      const samples = await eventually(
        'no open connection',
        async () => {
          const all = await samplesOf(sidecar);
          return sumOf(all, 'tcp_open_connections') === 0 && all;
        },
        10_000,
      );
      const opened = sumOf(samples, 'tcp_open_total');
      assert.ok(opened >= 11, `${opened} opened`);
      assert.equal(sumOf(samples, 'tcp_close_total'), opened);
    });

    it('take no label from what a client sends', async () => {
      await using upstream = await PeerServer.listen(serve);
      const { port } = upstream;
      await using sidecar =
        side === 'inbound' ? await Sidecar.inbound(port) : await Sidecar.outbound([port]);
      using client = await dial(sidecar.address);
      const lines = ['Host: web', 'X-A: TAINTED', 'User-Agent: TAINTED'];
      await client.send(headOf('GET /200?TAINTED HTTP/1.1', ...lines));
      await readResponse(client);
      if (side === 'inbound') {
        await client.send(headOf('GET /200 HTTP/1.1', 'Host: TAINTED.example'));
        await readResponse(client);
      }
      const { text } = await sidecar.admin('/metrics');
      assert.ok(text.includes('request_total'));
      assert.equal(/tainted/i.test(text), false);
    });
  });
}
