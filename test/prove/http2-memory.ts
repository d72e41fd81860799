/**
 * What an HTTP/2 stream that waits costs a sidecar, and a connection that does nothing: kilobytes
 * each, and that all of it comes back. The argument: streams (6,000, 750 a connection: an upstream
 * connection takes no more than it could reset, limits.resetsSentMax). Linux
 * only; memory under load is judged by `flat --protocol http2` and the bench's http2-memory.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type http2 from 'node:http2';
import { memoryOf } from '../../bench/figures/memory.ts';
import { eventually } from '../support/deadline.ts';
import { callHttp2, connectHttp2, NodeHttp2Server } from '../support/node-http2.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { Sidecar } from '../support/sidecar.ts';

const streams = argument('streams', 6_000);
const STREAMS_EACH = 750;
/** Connections that take what a heap has left, and those behind them, which show what one costs. */
const FILLING = 1_000;
const CONNECTIONS = 3_000;
const SETTLE_MS = 3_000;
/** A stream has an exchange and two protocol states; a connection its buffers and its tables. */
const KB_PER_STREAM_MAX = 12;
const KB_PER_CONNECTION_MAX = 12;
/** A quiet minute, behind which a sidecar gives memory back, and the time that takes. */
const TRIM_MS = 75_000;
/** What is left of all when it has gone. */
const LEFT_MB_MAX = 30;

const anonymousKb = async ({ ready: { pid } }: Sidecar): Promise<number> => {
  await pause(SETTLE_MS);
  return memoryOf([pid]).rssAnonKb;
};

/** Held streams: the server has them, and answers none. */
async function holdStreams(sidecar: Sidecar, server: NodeHttp2Server) {
  const sessions: http2.ClientHttp2Session[] = [];
  let expected = 0;
  for (let left = streams; left > 0; left -= STREAMS_EACH) {
    const session = await connectHttp2(sidecar.address);
    sessions.push(session);
    for (let i = 0; i < Math.min(left, STREAMS_EACH); i++) {
      session.request({ ':authority': 'web', ':path': '/held' }).on('error', () => undefined);
    }
    expected += Math.min(left, STREAMS_EACH);
    // Not all at once: no more than a thousand may wait for a connection to be dialled.
    const have = () => `${expected} streams at the server, ${server.openStreams} are there`;
    await eventually(have, () => server.openStreams === expected, 20_000);
  }
  return sessions;
}

/** Connections whose clients asked a few times, with heads that differ. */
async function holdConnections(sidecar: Sidecar, count: number) {
  const sessions: http2.ClientHttp2Session[] = [];
  for (let i = 0; i < count; i++) {
    const session = await connectHttp2(sidecar.address);
    for (let call = 0; call < 3; call++) {
      const headers = { accept: '*/*', 'user-agent': 'proof/1.0', 'x-request-id': `${i}-${call}` };
      const { status } = await callHttp2(session, { headers });
      if (status !== 200) throw new Error(`a connection was answered with ${status}`);
    }
    sessions.push(session);
  }
  return sessions;
}

await using server = await NodeHttp2Server.listen((stream, headers) => {
  if (headers[':path'] === '/held') return;
  stream.respond({ ':status': 200 });
  stream.end('ok');
});
await using sidecar = await Sidecar.inbound(server.port, '--forward-protocol', 'http2');
const warm = await connectHttp2(sidecar.address);
for (let i = 0; i < 2_000; i++) await callHttp2(warm);
const before = await anonymousKb(sidecar);
// Connections first: what the streams leave in the heap would hide them.
say(`idle: ${before} KB; holds ${FILLING + CONNECTIONS} connections`);
const open = await holdConnections(sidecar, FILLING);
const filled = await anonymousKb(sidecar);
open.push(...(await holdConnections(sidecar, CONNECTIONS)));
const withConnections = await anonymousKb(sidecar);
for (const session of open) session.destroy();
// What connections have left in the heap would hide what streams take.
await pause(TRIM_MS);
const between = await anonymousKb(sidecar);
say(`with them: ${withConnections} KB, without: ${between} KB; holds ${streams} streams`);
const held = await holdStreams(sidecar, server);
const withStreams = await anonymousKb(sidecar);
const links = server.sessions.size;
for (const session of held) session.destroy();
await eventually(
  () => `the streams to go, ${server.openStreams} are there`,
  () => server.openStreams === 0,
  30_000,
);
warm.destroy();
await pause(TRIM_MS);
const after = await anonymousKb(sidecar);

const perStream = (withStreams - between) / streams;
const perConnection = (withConnections - filled) / CONNECTIONS;
const problems: string[] = [];
if (perStream > KB_PER_STREAM_MAX) problems.push(`a stream takes over ${KB_PER_STREAM_MAX} KB`);
if (perConnection > KB_PER_CONNECTION_MAX) {
  problems.push(`a connection takes over ${KB_PER_CONNECTION_MAX} KB`);
}
if (after - before > LEFT_MB_MAX * 1_000) problems.push(`${after - before} KB did not come back`);
conclude(
  'http2-memory',
  {
    'a waiting stream, KB': perStream.toFixed(1),
    'an idle connection, KB': perConnection.toFixed(1),
    'connections to the application': links,
    'RssAnon before, KB': before,
    [`RssAnon with ${streams} streams, KB`]: withStreams,
    [`RssAnon with ${FILLING} connections, KB`]: filled,
    [`RssAnon with ${FILLING + CONNECTIONS} connections, KB`]: withConnections,
    'RssAnon after all, KB': after,
  },
  problems,
);
