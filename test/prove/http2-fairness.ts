/**
 * One HTTP/2 stream does not starve its neighbours: the median of small calls beside a download of
 * 1 GB, beside 100 answers that nobody reads, and beside 100 uploads that the server does not read,
 * against that of the same calls alone; all on one connection. The argument: calls of a case (1,000).
 * Beside it the download on another connection, and the same without a sidecar. Linux, with nghttpd.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type http2 from 'node:http2';
import { truncateSync } from 'node:fs';
import { startConfigured } from '../../bench/peers/configured-peer.ts';
import { missingHttp2Backend } from '../../bench/peers/http2-backend.ts';
import { withFreeAddresses } from '../../bench/peers/ports.ts';
import { callHttp2, connectHttp2, NodeHttp2Server } from '../support/node-http2.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { Sidecar } from '../support/sidecar.ts';

const calls = argument('calls', 1_000);
const DOWNLOAD_BYTES = 1e9;
const STALLED = 100;
const STALLED_BYTES = 1_000_000;
const RATIO_MAX = 3;
const WARM_CALLS = 500;
/** Of the client's connection: its own must not be what stalls. */
const CONNECTION_WINDOW = 2 ** 24;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Median of small calls one after the other, milliseconds. */
async function smallCalls(session: http2.ClientHttp2Session, count: number): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    const { status } = await callHttp2(session, { path: '/small' });
    if (status !== 200) throw new Error(`a call was answered with ${status}`);
    took.push(performance.now() - startMs);
  }
  return median(took);
}

async function connect(address: string): Promise<http2.ClientHttp2Session> {
  const session = await connectHttp2(address);
  session.setLocalWindowSize(CONNECTION_WINDOW);
  await smallCalls(session, WARM_CALLS);
  return session;
}

/** A download on `session`; resolves to its length when it ended, or was ended. */
function download(session: http2.ClientHttp2Session) {
  const stream = session.request({ ':authority': 'web', ':path': '/large' });
  let bytes = 0;
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
  return { stream, read: () => bytes };
}

/** Calls alone, then beside a download of the same connection. */
async function besideDownload(address: string) {
  const session = await connect(address);
  const alone = await smallCalls(session, calls);
  const { read, stream } = download(session);
  await once(stream, 'data');
  const startMs = performance.now();
  const beside = await smallCalls(session, calls);
  const seconds = (performance.now() - startMs) / 1e3;
  const megabytes = read() / 1e6;
  session.destroy();
  return { alone, beside, megabytes, perSecond: megabytes / seconds };
}

/** Calls beside downloads of another process, which nothing but the sidecar shares with them. */
async function besideOthers(address: string): Promise<number> {
  const session = await connect(address);
  const other = spawn(
    'curl',
    ['-sS', '--http2-prior-knowledge', '-o', '/dev/null', '-N'].concat(
      Array.from({ length: 50 }, () => `http://${address}/large`),
    ),
    { stdio: 'ignore' },
  );
  const exited = once(other, 'exit');
  try {
    return await smallCalls(session, calls);
  } finally {
    other.kill('SIGKILL');
    await exited;
    session.destroy();
  }
}

/** Calls beside streams whose answers are not read. */
async function besideUnread(address: string): Promise<number> {
  const session = await connect(address);
  for (let i = 0; i < STALLED; i++) {
    const stream = session.request({ ':authority': 'web', ':path': '/large' });
    stream.on('error', () => undefined);
    await once(stream, 'response');
    stream.pause();
  }
  const beside = await smallCalls(session, calls);
  session.destroy();
  return beside;
}

/** Calls alone and beside streams whose bodies the server does not read. */
async function besideUnreadUploads() {
  const body = Buffer.alloc(STALLED_BYTES);
  let waiting = 0;
  await using server = await NodeHttp2Server.listen((stream, headers) => {
    if (headers[':path'] === '/hold') {
      waiting++;
      return;
    }
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  await using sidecar = await Sidecar.inbound(server.port, '--forward-protocol', 'http2');
  const session = await connect(sidecar.address);
  const alone = await smallCalls(session, calls);
  for (let i = 0; i < STALLED; i++) {
    const headers = { ':authority': 'web', ':path': '/hold', ':method': 'POST' };
    const stream = session.request(headers);
    stream.on('error', () => undefined);
    stream.write(body);
  }
  const beside = await smallCalls(session, calls);
  session.destroy();
  return { alone, beside, waiting };
}

async function prove(): Promise<void> {
  const server = await withFreeAddresses(1, async ([address]) => {
    const running = await startConfigured({
      name: 'fairness',
      program: 'nghttpd',
      cores: '0-1',
      configure: (scratch) => {
        // A hole reads as zeros and needs no disk.
        truncateSync(scratch.write('large', Buffer.alloc(1)), DOWNLOAD_BYTES);
        scratch.write('small', Buffer.alloc(65, 'x'));
        return ['--no-tls', '-a', address.host, '-d', scratch.directory, String(address.port)];
      },
      processes: 1,
      address,
    });
    return { ...running, port: address.port };
  });
  try {
    await using sidecar = await Sidecar.inbound(server.port, '--forward-protocol', 'http2');
    say('without a sidecar');
    const direct = await besideDownload(`127.0.0.1:${server.port}`);
    say('beside a download');
    const own = await besideDownload(sidecar.address);
    say('beside downloads of others');
    const others = await besideOthers(sidecar.address);
    say('beside answers that nobody reads');
    const unread = await besideUnread(sidecar.address);
    say('beside uploads that nobody reads');
    const uploads = await besideUnreadUploads();
    judge({ direct, own, others, unread, uploads });
  } finally {
    await server.stop();
  }
}

interface Found {
  readonly direct: Awaited<ReturnType<typeof besideDownload>>;
  readonly own: Awaited<ReturnType<typeof besideDownload>>;
  readonly others: number;
  readonly unread: number;
  readonly uploads: Awaited<ReturnType<typeof besideUnreadUploads>>;
}

function judge({ direct, others, own, unread, uploads }: Found): void {
  const problems: string[] = [];
  const ratio = (what: string, beside: number, alone: number): string => {
    const times = beside / alone;
    if (times > RATIO_MAX) problems.push(`${what}: ${times.toFixed(1)} times as long as alone`);
    return `${beside.toFixed(3)}, ${times.toFixed(2)} times`;
  };
  conclude(
    'http2-fairness',
    {
      'alone, ms (median)': own.alone.toFixed(3),
      'beside a download on the connection': ratio('a download', own.beside, own.alone),
      'that download, MB and MB/s': `${own.megabytes.toFixed(0)}, ${own.perSecond.toFixed(0)}`,
      'the same without a sidecar': `${direct.beside.toFixed(3)} instead of ${direct.alone.toFixed(3)}; ${direct.perSecond.toFixed(0)} MB/s`,
      'beside downloads on another connection': ratio('downloads of others', others, own.alone),
      [`beside ${STALLED} unread answers`]: ratio('unread answers', unread, own.alone),
      [`beside ${uploads.waiting} unread uploads`]: ratio(
        'unread uploads',
        uploads.beside,
        uploads.alone,
      ),
    },
    problems,
  );
}

const missing = missingHttp2Backend();
if (missing === undefined) await prove();
else conclude('http2-fairness', {}, [missing]);
