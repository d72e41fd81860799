/**
 * Customers: sends requests to `web` at a steady rate and counts what becomes of them; books with the
 * ledger once a second. Its own port takes `POST /stop` (answers the totals once nothing is on its
 * way), `POST /start` and `GET /totals`.
 *
 * The totals are exactly what its sidecar counts: a request counts as sent from when it has a
 * connection, it is never given up, and it failed when its status is 500 or more or it got no
 * answer.
 */
import { Agent, request } from 'node:http';
import { book } from './book.ts';
import { serve } from './serve.ts';
import type { Answer } from './serve.ts';

const RATE_PER_SECOND = Number(process.env['RATE_PER_SECOND'] ?? 30);
const WEB = { host: process.env['WEB_SERVICE_HOST'], port: process.env['WEB_SERVICE_PORT'] };
const LEDGER = {
  host: process.env['LEDGER_SERVICE_HOST'],
  port: Number(process.env['LEDGER_SERVICE_PORT']),
};
const BOOK_EVERY_MS = 1_000;
const FAILED_STATUS_MIN = 500;

interface Wish {
  readonly name: string;
  readonly share: number;
  readonly method: string;
  readonly path: () => string;
}

/** What customers do, each as often as its share of the whole. */
const WISHES: readonly Wish[] = [
  { name: 'track', share: 35, method: 'GET', path: () => `/parcels/${randomId()}` },
  { name: 'hand in', share: 15, method: 'POST', path: () => '/parcels' },
  { name: 'follow', share: 4, method: 'GET', path: () => `/journeys/${randomId()}` },
  { name: 'quote', share: 15, method: 'GET', path: () => `/rates/${randomZone()}` },
  { name: 'basket', share: 4, method: 'POST', path: () => '/baskets' },
  { name: 'label', share: 14, method: 'POST', path: () => `/labels/${randomId()}` },
  { name: 'foil label', share: 5, method: 'POST', path: () => `/labels/${randomId()}/foil` },
  { name: 'sheet', share: 4, method: 'POST', path: () => '/sheets' },
  { name: 'look', share: 4, method: 'GET', path: () => '/' },
];

const ZONES = ['domestic', 'neighbours', 'overseas'] as const;

const randomId = (): number => 1_000 + Math.floor(Math.random() * 9_000);
const randomZone = (): string => ZONES[Math.floor(Math.random() * ZONES.length)] ?? ZONES[0];

// Connections that rest for 2 s are closed from this side, before the other side may do it.
const agent = new Agent({ keepAlive: true, timeout: 2_000 });

interface Totals {
  sent: number;
  succeeded: number;
  failed: number;
}

const totals: Totals = { sent: 0, succeeded: 0, failed: 0 };
/** The same by wish. */
const wishes = new Map<string, Totals>();
/** Visits to the ledger. */
const ledger = { booked: 0, failed: 0, lastFailure: '' };
const onTheirWay = new Set<Promise<void>>();
let timer: NodeJS.Timeout | undefined;
let bookTimer: NodeJS.Timeout | undefined;

function count(wish: Wish, what: keyof Totals): void {
  const own = wishes.get(wish.name) ?? { sent: 0, succeeded: 0, failed: 0 };
  wishes.set(wish.name, own);
  own[what]++;
  totals[what]++;
}

function pickWish(): Wish | undefined {
  let at = Math.random() * WISHES.reduce((sum, { share }) => sum + share, 0);
  return WISHES.find(({ share }) => (at -= share) < 0) ?? WISHES[0];
}

/** Sends one request. Resolves when it has its answer, or will never have one. */
function send(wish: Wish): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let counted = false;
  const finish = (succeeded: boolean): void => {
    if (counted) count(wish, succeeded ? 'succeeded' : 'failed');
    counted = false;
    resolve();
  };
  const begin = (): void => {
    counted = true;
    count(wish, 'sent');
  };
  const target = { ...WEB, agent, method: wish.method, path: wish.path() };
  const outgoing = request(target, (response) => {
    const succeeded = (response.statusCode ?? FAILED_STATUS_MIN) < FAILED_STATUS_MIN;
    response.resume();
    response.once('end', () => finish(succeeded));
    response.once('error', () => finish(false));
  });
  outgoing.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', begin);
    else begin();
  });
  outgoing.once('error', () => finish(false));
  outgoing.end();
  return promise;
}

function sendNext(): void {
  const wish = pickWish();
  if (wish === undefined) return;
  track(send(wish));
}

async function bookOnce(): Promise<void> {
  const failure = await book(LEDGER.host, LEDGER.port, randomId(), 490);
  if (failure === undefined) ledger.booked++;
  else {
    ledger.failed++;
    ledger.lastFailure = failure;
  }
}

/** What is on its way is waited for in the end. */
function track(started: Promise<void>): void {
  const tracked = started.finally(() => onTheirWay.delete(tracked));
  onTheirWay.add(tracked);
}

function start(): void {
  timer ??= setInterval(sendNext, 1_000 / RATE_PER_SECOND);
  bookTimer ??= setInterval(() => track(bookOnce()), BOOK_EVERY_MS);
}

async function stop(): Promise<void> {
  clearInterval(timer);
  clearInterval(bookTimer);
  timer = undefined;
  bookTimer = undefined;
  await Promise.all(onTheirWay);
}

const answer = (): Answer => ({
  status: 200,
  body: { ...totals, wishes: Object.fromEntries(wishes), ledger },
});

start();
serve([
  { method: 'GET', path: /^\/totals$/, handle: answer },
  {
    method: 'POST',
    path: /^\/start$/,
    handle: () => {
      start();
      return answer();
    },
  },
  {
    method: 'POST',
    path: /^\/stop$/,
    handle: async () => {
      await stop();
      return answer();
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
