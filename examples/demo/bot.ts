/**
 * Customers: sends requests to `web` at a steady rate and counts what becomes of them; books with the
 * ledger once a second. Its own port takes `POST /stop` (answers the totals once nothing is on its
 * way), `POST /start` and `GET /totals`.
 *
 * The totals are exactly what its sidecar counts: a request counts as sent from when it has a
 * connection, it is never given up, and it failed when its status is 500 or more or it got no
 * answer. A WebSocket is one request, which succeeded when news came and it was closed in order.
 */
import { Agent, request } from 'node:http';
import { book } from './book.ts';
import type { LedgerAddress } from './book.ts';
import { serve } from './serve.ts';
import type { Answer } from './serve.ts';
import { watch } from './watch.ts';
import { whenConnected } from './when-connected.ts';

const RATE_PER_SECOND = Number(process.env['RATE_PER_SECOND'] ?? 30);
const WEB = {
  host: process.env['WEB_SERVICE_HOST'] ?? 'localhost',
  port: process.env['WEB_SERVICE_PORT'] ?? '80',
};
const LEDGER_PORT = process.env['LEDGER_SERVICE_PORT'];
/** Undefined where nobody says where it is: then nobody visits it. */
const LEDGER =
  LEDGER_PORT === undefined
    ? undefined
    : { host: process.env['LEDGER_SERVICE_HOST'], port: Number(LEDGER_PORT) };
const BOOK_EVERY_MS = 1_000;
const FAILED_STATUS_MIN = 500;

/** Calls `connected` once it has a connection; resolves to whether it succeeded. */
type Fulfil = (connected: () => void) => Promise<boolean>;

interface Wish {
  readonly name: string;
  readonly share: number;
  readonly fulfil: Fulfil;
}

const ask =
  (method: string, path: () => string): Fulfil =>
  (connected) =>
    send(method, path(), connected);

/** What customers do, each as often as its share of the whole. */
const WISHES: readonly Wish[] = [
  { name: 'track', share: 35, fulfil: ask('GET', () => `/parcels/${randomId()}`) },
  { name: 'hand in', share: 15, fulfil: ask('POST', () => '/parcels') },
  { name: 'follow', share: 4, fulfil: ask('GET', () => `/journeys/${randomId()}`) },
  { name: 'quote', share: 15, fulfil: ask('GET', () => `/rates/${randomZone()}`) },
  { name: 'basket', share: 4, fulfil: ask('POST', () => '/baskets') },
  { name: 'label', share: 14, fulfil: ask('POST', () => `/labels/${randomId()}`) },
  { name: 'foil label', share: 5, fulfil: ask('POST', () => `/labels/${randomId()}/foil`) },
  { name: 'sheet', share: 4, fulfil: ask('POST', () => '/sheets') },
  { name: 'look', share: 3, fulfil: ask('GET', () => '/') },
  { name: 'watch', share: 1, fulfil: (connected) => watch(WEB.host, WEB.port, connected) },
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
/** Visits to the ledger; they count from when they have a connection, as requests do. */
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
function send(method: string, path: string, connected: () => void): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const outgoing = request({ ...WEB, agent, method, path }, (response) => {
    const succeeded = (response.statusCode ?? FAILED_STATUS_MIN) < FAILED_STATUS_MIN;
    response.resume();
    response.once('end', () => resolve(succeeded));
    response.once('error', () => resolve(false));
  });
  whenConnected(outgoing, connected);
  outgoing.once('error', () => resolve(false));
  outgoing.end();
  return promise;
}

async function fulfil(wish: Wish): Promise<void> {
  let counted = false;
  const succeeded = await wish.fulfil(() => {
    counted = true;
    count(wish, 'sent');
  });
  if (counted) count(wish, succeeded ? 'succeeded' : 'failed');
}

function sendNext(): void {
  const wish = pickWish();
  if (wish === undefined) return;
  track(fulfil(wish));
}

async function bookOnce(at: LedgerAddress): Promise<void> {
  let connected = false;
  const failure = await book(at, { parcel: randomId(), cents: 490 }, () => (connected = true));
  if (failure === undefined) ledger.booked++;
  else if (connected) {
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
  if (LEDGER !== undefined) {
    bookTimer ??= setInterval(() => track(bookOnce(LEDGER)), BOOK_EVERY_MS);
  }
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

if (LEDGER === undefined) {
  process.stderr.write('LEDGER_SERVICE_PORT does not say where the ledger is: nobody books\n');
}
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
