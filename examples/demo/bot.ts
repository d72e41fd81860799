/**
 * Customers: sends requests to `web` at a steady rate and counts what becomes of them. Its own
 * port takes `POST /stop` (answers the totals once nothing is on its way), `POST /start` and
 * `GET /totals`.
 *
 * The totals are exactly what its sidecar counts: a request counts as sent from when it has a
 * connection, it is never given up, and it failed when its status is 500 or more or it got no
 * answer.
 */
import { Agent, request } from 'node:http';
import { serve } from './serve.ts';

const RATE_PER_SECOND = Number(process.env['RATE_PER_SECOND'] ?? 30);
const WEB = { host: process.env['WEB_SERVICE_HOST'], port: process.env['WEB_SERVICE_PORT'] };
const FAILED_STATUS_MIN = 500;

/** What customers do, each as often as its share of the whole. */
const WISHES: readonly { share: number; method: string; path: () => string }[] = [
  { share: 40, method: 'GET', path: () => `/parcels/${randomId()}` },
  { share: 15, method: 'POST', path: () => '/parcels' },
  { share: 20, method: 'GET', path: () => `/rates/${oneOf('domestic', 'neighbours', 'overseas')}` },
  { share: 15, method: 'POST', path: () => `/labels/${randomId()}` },
  { share: 5, method: 'POST', path: () => `/labels/${randomId()}/foil` },
  { share: 5, method: 'GET', path: () => '/' },
];

const randomId = (): number => 1_000 + Math.floor(Math.random() * 9_000);
const oneOf = (...choices: readonly string[]): string =>
  choices[Math.floor(Math.random() * choices.length)] ?? '';

// Connections that rest for 2 s are closed from this side, before the other side may do it.
const agent = new Agent({ keepAlive: true, timeout: 2_000 });
const totals = { sent: 0, succeeded: 0, failed: 0 };
const onTheirWay = new Set<Promise<void>>();
let timer: NodeJS.Timeout | undefined;

function pickWish(): (typeof WISHES)[number] | undefined {
  let at = Math.random() * WISHES.reduce((sum, { share }) => sum + share, 0);
  return WISHES.find(({ share }) => (at -= share) < 0) ?? WISHES[0];
}

/** Sends one request. Resolves when it has its answer, or will never have one. */
function send(method: string, path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let counted = false;
  const finish = (succeeded: boolean): void => {
    if (counted) totals[succeeded ? 'succeeded' : 'failed']++;
    counted = false;
    resolve();
  };
  const count = (): void => {
    counted = true;
    totals.sent++;
  };
  const outgoing = request({ ...WEB, agent, method, path }, (response) => {
    const succeeded = (response.statusCode ?? FAILED_STATUS_MIN) < FAILED_STATUS_MIN;
    response.resume();
    response.once('end', () => finish(succeeded));
    response.once('error', () => finish(false));
  });
  outgoing.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', count);
    else count();
  });
  outgoing.once('error', () => finish(false));
  outgoing.end();
  return promise;
}

function sendNext(): void {
  const wish = pickWish();
  if (wish === undefined) return;
  const sending = send(wish.method, wish.path()).finally(() => onTheirWay.delete(sending));
  onTheirWay.add(sending);
}

function start(): void {
  timer ??= setInterval(sendNext, 1_000 / RATE_PER_SECOND);
}

async function stop(): Promise<void> {
  clearInterval(timer);
  timer = undefined;
  await Promise.all(onTheirWay);
}

start();
serve([
  { method: 'GET', path: /^\/totals$/, handle: () => ({ status: 200, body: totals }) },
  {
    method: 'POST',
    path: /^\/start$/,
    handle: () => {
      start();
      return { status: 200, body: totals };
    },
  },
  {
    method: 'POST',
    path: /^\/stop$/,
    handle: async () => {
      await stop();
      return { status: 200, body: totals };
    },
  },
]);

async function sayTotals(): Promise<void> {
  await stop();
  agent.destroy();
  const { sent, succeeded, failed } = totals;
  process.stderr.write(`sent ${sent}, succeeded ${succeeded}, failed ${failed}\n`);
}

process.once('SIGTERM', () => void sayTotals());
