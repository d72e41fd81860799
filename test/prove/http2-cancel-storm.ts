/**
 * A storm of cancelled HTTP/2 requests leaves nothing behind: no stream, no descriptor, no memory,
 * and the next request is served; so is a neighbour, all the time, for the server takes no more
 * resets of a connection than Node.js does by default. The argument: cancelled requests (100,000).
 * Half are cancelled before anything came back, half when the answer had begun. Linux only.
 */
import { readdirSync } from 'node:fs';
import http2 from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import { memoryOf } from '../../bench/figures/memory.ts';
import { eventually } from '../support/deadline.ts';
import { callHttp2, connectHttp2, NodeHttp2Server } from '../support/node-http2.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { Sidecar } from '../support/sidecar.ts';

const cancels = argument('cancelled requests', 100_000);
/** Together below what one connection may reset in a second, which is its own test. */
const CONNECTIONS = 64;
const ROUND = 16;
const SETTLE_MS = 5_000;
const GROWTH_MB_MAX = 20;
const CHUNK = Buffer.alloc(1_000);

/** Answers begin and do not end, but that of "/". */
const answer = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void => {
  stream.respond({ ':status': 200 });
  if (headers[':path'] === '/') stream.end('ok');
  else stream.write(CHUNK);
};

/** Opens a stream and cancels it, at once or when its answer began; resolves when it has closed. */
function cancelOne(session: http2.ClientHttp2Session, late: boolean): Promise<void> {
  const gone = Promise.withResolvers<void>();
  const stream = session.request({ ':authority': 'web', ':path': '/long' });
  stream.on('error', () => undefined);
  stream.once('close', gone.resolve);
  const cancel = (): void => stream.close(http2.constants.NGHTTP2_CANCEL);
  // What came is read: Node closes no stream before.
  stream.resume();
  if (late) stream.once('response', cancel);
  // Not in the turn that opened it: it would never be sent.
  else setImmediate(cancel);
  return gone.promise;
}

const descriptorsOf = ({ ready: { pid } }: Sidecar): number =>
  readdirSync(`/proc/${pid}/fd`).length;

async function look(sidecar: Sidecar) {
  await pause(SETTLE_MS);
  return { ...memoryOf([sidecar.ready.pid]), descriptors: descriptorsOf(sidecar) };
}

await using server = await NodeHttp2Server.listen(answer);
await using sidecar = await Sidecar.inbound(server.port, '--forward-protocol', 'http2');
const sessions = await Promise.all(
  Array.from({ length: CONNECTIONS }, () => connectHttp2(sidecar.address)),
);
let done = 0;
let limited = 0;
/** What the neighbour got that is no 200: POST, for nothing may be sent again. */
const disturbed: string[] = [];
let neighbourCalls = 0;

/** One of the connections, dialled again when it was told to calm. */
async function storm(index: number, until: number): Promise<void> {
  while (done < until) {
    let session = sessions[index]!;
    if (session.closed || session.destroyed) {
      limited++;
      session = sessions[index] = await connectHttp2(sidecar.address);
    }
    await Promise.all(Array.from({ length: ROUND }, (_, i) => cancelOne(session, i % 2 === 1)));
    done += ROUND;
  }
}

/** Calls one after the other on a connection of its own, whose upstream connections all share. */
async function neighbour(calm: AbortSignal): Promise<void> {
  const session = await connectHttp2(sidecar.address);
  while (!calm.aborted) {
    neighbourCalls++;
    try {
      const { status } = await callHttp2(session, { body: 'x' });
      if (status !== 200) disturbed.push(`${status}`);
    } catch (error) {
      disturbed.push(String(error));
    }
  }
  session.destroy();
}

const storms = (until: number): Promise<unknown> =>
  Promise.all(sessions.map((_, index) => storm(index, until)));

const calm = new AbortController();
const beside = neighbour(calm.signal);
// A tenth first: what grows once, as pools and compiled code, is no leak.
await storms(cancels / 10);
const before = await look(sidecar);
say(`after ${done}: RssAnon ${before.rssAnonKb} KB, ${before.descriptors} descriptors`);
const startedMs = performance.now();
await storms(cancels);
const seconds = (performance.now() - startedMs) / 1_000;
calm.abort();
await beside;
await eventually(
  () => `${server.openStreams} streams to close`,
  () => server.openStreams === 0,
);
const after = await look(sidecar);
const session = await connectHttp2(sidecar.address);
const { status } = await callHttp2(session);
session.destroy();
for (const one of sessions) one.destroy();

const problems: string[] = [];
const grownMb = (after.rssAnonKb - before.rssAnonKb) / 1_000;
if (grownMb > GROWTH_MB_MAX) problems.push(`memory grew by ${grownMb.toFixed(1)} MB`);
if (after.descriptors > before.descriptors + 8) {
  problems.push(`${after.descriptors - before.descriptors} descriptors more than before`);
}
if (disturbed.length > 0) {
  problems.push(`${disturbed.length} calls of a neighbour failed, first: ${disturbed[0]}`);
}
if (status !== 200) problems.push(`the next request was answered with ${status}`);
const other = server.resets.filter((code) => code !== http2.constants.NGHTTP2_CANCEL).length;
if (other > 0) problems.push(`${other} streams reached the server with another code`);
conclude(
  'http2-cancel-storm',
  {
    'cancelled requests': done,
    'of these seen by the server': server.resets.length,
    'a second': Math.round((done - cancels / 10) / seconds),
    'connections that were told to calm': limited,
    'calls of a neighbour, and those that failed': `${neighbourCalls}, ${disturbed.length}`,
    'RssAnon before and after, KB': `${before.rssAnonKb}, ${after.rssAnonKb}`,
    'descriptors before and after': `${before.descriptors}, ${after.descriptors}`,
  },
  problems,
);
