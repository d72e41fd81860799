/**
 * Two sidecars with HTTP/1.1 between them, and the same with HTTP/1.1 on HTTP/2: neither the
 * application nor a client can tell which of the two it is.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rng } from '../base/rng.ts';
import type { MemoryPeer, React } from '../test/support/memory-world.ts';
import { APPLICATION, LISTEN, StackBench } from '../test/support/stack-bench.ts';
import type { Downstreams } from './accept/downstreams.ts';
import { timeouts } from './limits.ts';
import type { Protocol } from './model/exchange.ts';
import { unlabelledDestination } from './route/unlabelled.ts';
import { OutboundStack, inboundStack } from './stack.ts';
import type { Link, LinkEvents } from './transport/link.ts';
import type { MemoryOptions } from './transport/memory.ts';

/** Where the inbound sidecar listens. */
const BETWEEN = { host: '127.0.0.1', port: 4144, meshed: true };
const TARGET = { originalDst: undefined, authority: 'web', port: 80 };

/** The messages of `text`, each as its head, its body without framing, and its trailers. */
function messagesOf(text: string): { whole: string[]; rest: string } {
  const whole: string[] = [];
  let rest = text;
  for (;;) {
    const headEnd = rest.indexOf('\r\n\r\n') + 4;
    if (headEnd === 3) return { whole, rest };
    const head = rest.slice(0, headEnd);
    const chunked = /\r\ntransfer-encoding: chunked\r\n/i.test(head);
    const bodiless = /^HTTP\/1\.1 (1\d\d|204|304) /.test(head);
    const length = bodiless ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const behind = rest.slice(headEnd);
    const body = chunked ? dechunked(behind) : cutAt(behind, length);
    if (body === undefined) return { whole, rest };
    whole.push(head + body.content);
    rest = behind.slice(body.size);
  }
}

interface Cut {
  readonly content: string;
  readonly size: number;
}

const cutAt = (text: string, length: number): Cut | undefined =>
  text.length < length ? undefined : { content: text.slice(0, length), size: length };

/** Data of all chunks, then the trailers; undefined while some is missing. */
function dechunked(text: string): Cut | undefined {
  let at = 0;
  let content = '';
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (text.length < at + size + 2) return undefined;
    content += text.slice(at, at + size);
    at += size + 2;
  }
  const end = text.startsWith('\r\n', at) ? at : text.indexOf('\r\n\r\n', at) + 2;
  if (end === 1 || text.length < end + 2) return undefined;
  return { content: `${content}|${text.slice(at, end)}`, size: end + 2 };
}

/** One request and its answer, as they are on the wire. */
interface Pair {
  readonly request: string;
  readonly answer: string;
}

/** What happened at both ends of a chain. */
interface Told {
  readonly requests: readonly string[];
  readonly answers: readonly string[];
  readonly errors: readonly string[];
  readonly statuses: readonly number[];
}

/** Carries the conversations, a client each, over a chain whose sidecars speak so to each other. */
async function carry(
  transport: Protocol,
  conversations: readonly (readonly Pair[])[],
  options: MemoryOptions,
): Promise<Told> {
  const bench = new StackBench(options);
  const requests: string[] = [];
  const react = answering(conversations.flat(), (request) => requests.push(request));
  const { inbound: between } = await openChain(bench, transport, react);
  const clients = conversations.map((pairs) => {
    const peer = bench.world.connect(LISTEN);
    peer.send(pairs.map(({ request }) => request).join(''));
    return peer;
  });
  bench.world.run();
  assert.ok(between.size > 0 && (transport === 'http1' || between.size === 1), `${between.size}`);
  const told = {
    requests: requests.toSorted(),
    answers: clients.map(({ text }) => {
      const { whole, rest } = messagesOf(text);
      return [...whole, rest].join('\n');
    }),
    errors: bench.errors,
    statuses: bench.ended.map(({ status }) => status).toSorted((a, b) => a - b),
  };
  finish(bench, between, clients);
  return told;
}

/** Answers each request with what its pair says. */
function answering(pairs: readonly Pair[], heard: (request: string) => void): React {
  const answers = new Map(pairs.map(({ request, answer }) => [idOf(request), answer]));
  return (peer) => {
    const { whole, rest } = messagesOf(peer.take());
    peer.keep(rest);
    for (const request of whole) {
      heard(request);
      if (!peer.closed) peer.send(answers.get(idOf(request)) ?? assert.fail(request));
    }
  };
}

const idOf = (request: string): string => /^\S+ \S*\/(\d+)\/ /.exec(request)?.[1] ?? '';

/** An inbound sidecar, its ends of the connections to it, and the application behind. */
interface Chain {
  readonly inbound: Downstreams;
  readonly links: readonly Link[];
  readonly applications: readonly MemoryPeer[];
}

async function openChain(bench: StackBench, transport: Protocol, react: React): Promise<Chain> {
  const applications = await bench.world.serve(APPLICATION, react);
  const inbound = inboundStack(bench.parts, APPLICATION);
  const counts = bench.counts.links('inbound', 'src');
  const links: Link[] = [];
  const accept = (link: Link): LinkEvents => {
    links.push(link);
    return inbound.accept(link);
  };
  inbound.add(await bench.world.transport.listen(BETWEEN, counts, accept));
  const outbound = new OutboundStack(bench.parts, {
    subscribe: undefined,
    unsubscribe: () => undefined,
    fallback: undefined,
  });
  const resource = unlabelledDestination('web', 'web', 80, [BETWEEN]);
  outbound.destinations.install(TARGET, { ...resource, http1Transport: transport }, false);
  await bench.open('outbound', outbound.downstreams(TARGET));
  return { inbound, links, applications };
}

/** Nothing is left once the clients have gone and idle time has passed. */
function finish(bench: StackBench, between: Downstreams, clients: readonly MemoryPeer[]): void {
  for (const client of clients) if (!client.closed) client.reset();
  bench.world.run();
  bench.world.advance(timeouts.http2UpstreamIdleMs + 1_000);
  bench.finish(clients);
  assert.equal(between.size, 0);
  assert.equal(bench.begun, bench.ended.length);
}

// ---- random conversations ----

const names = fc.uniqueArray(
  fc.constantFrom('Accept', 'accept-language', 'X-B3-TraceId', 'ETag', 'x-id', 'User-Agent', 'X_Y'),
  { maxLength: 5 },
);
const body = fc.oneof(
  fc.constant(undefined),
  fc.record({
    size: fc.oneof(fc.constant(0), fc.nat(40), fc.nat(100_000)),
    chunk: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30_000 })),
    trailers: names,
  }),
);
type Body = typeof body extends fc.Arbitrary<infer T> ? T : never;

const linesOf = (all: readonly string[]): string =>
  all.map((name) => `${name}: ${name}\r\n`).join('');

/** A head without its empty line becomes a message. */
function messageOf(head: string, content: Body): string {
  if (content === undefined) return `${head}\r\n`;
  const text = 'b'.repeat(content.size);
  if (content.chunk === 0) return `${head}Content-Length: ${content.size}\r\n\r\n${text}`;
  let chunks = '';
  // Some 40 chunks at the most.
  const size = Math.max(content.chunk, Math.ceil(content.size / 40));
  for (let at = 0; at < content.size; at += size) {
    const piece = text.slice(at, at + size);
    chunks += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  const trailers = linesOf(content.trailers.map((name) => `${name}-T`));
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n${trailers}\r\n`;
}

const shape = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  form: fc.constantFrom('origin', 'absolute'),
  host: fc.constantFrom('Host', 'host'),
  fields: names,
  extra: fc.constantFrom(
    '',
    'Connection: x-id\r\n',
    'TE: trailers\r\n',
    'Culvert-Orig-Proto: HTTP/1.1\r\n',
  ),
  body,
  interim: fc.constantFrom(
    '',
    'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n',
    'HTTP/1.1 100 Go on\r\n\r\n',
  ),
  status: fc.constantFrom(
    '200 OK',
    '200 Fine',
    '404 Not Found',
    '204 No Content',
    '304 Not Modified',
    '500 ',
  ),
  answerFields: names,
  answerExtra: fc.constantFrom('', 'Keep-Alive: timeout=5\r\n', 'Culvert-Orig-Proto: HTTP/1.0\r\n'),
  answerBody: body,
});
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

function pairOf(one: Shape, id: number): Pair {
  const target = one.form === 'absolute' ? `http://Web/${id}/` : `/${id}/`;
  // An absolute-form's Host is the proxy's own line, which is written "Host".
  const host = one.form === 'absolute' ? 'Host' : one.host;
  const head = `${one.method} ${target} HTTP/1.1\r\n${host}: web\r\n${linesOf(one.fields)}${one.extra}`;
  const answerHead = `HTTP/1.1 ${one.status}\r\nFor: ${id}\r\n${linesOf(one.answerFields)}${one.answerExtra}`;
  const bodiless = /^(204|304)/.test(one.status);
  // Without a length an answer would last until its connection ends.
  const content = bodiless ? undefined : (one.answerBody ?? { size: 0, chunk: 0, trailers: [] });
  return {
    request: messageOf(head, one.body),
    answer: one.interim + messageOf(answerHead, content),
  };
}

test('nobody can tell whether HTTP/1.1 rode HTTP/2, in any order of events', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(shape, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 500, max: 60_000 }),
      fc.integer(),
      async (shapes, capacityBytes, seed) => {
        const conversations = shapes.map((each, i) =>
          each.map((one, j) => pairOf(one, i * 10 + j)),
        );
        const carried = async (transport: Protocol): Promise<Told> => {
          const rng = new Rng(seed);
          const readBytes = (): number => 1 + rng.integer(rng.integer(8) === 0 ? 9 : 20_000);
          const choose = (count: number): number => rng.integer(count);
          return carry(transport, conversations, { capacityBytes, readBytes, choose });
        };
        const plain = await carried('http1');
        assert.deepEqual(plain.errors, []);
        assert.equal(plain.requests.length, conversations.flat().length);
        assert.deepEqual(await carried('http2'), plain);
      },
    ),
    { numRuns: 150 },
  );
});

/** What goes wrong at random: who does what, and after how many steps. */
const fault = fc.record({
  who: fc.constantFrom('client', 'application', 'between'),
  which: fc.nat(5),
  what: fc.constantFrom('reset', 'end', 'close', 'pause'),
  steps: fc.nat(80),
});

test('requests that ride leave nothing behind and are answered to nobody else, whoever goes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(shape, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      fc.array(fault, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 500, max: 60_000 }),
      fc.integer(),
      async (shapes, faults, capacityBytes, seed) => {
        const rng = new Rng(seed);
        const readBytes = (): number => 1 + rng.integer(6_000);
        const choose = (count: number): number => rng.integer(count);
        const bench = new StackBench({ capacityBytes, readBytes, choose });
        const pairs = shapes.map((each, i) => each.map((one, j) => pairOf(one, i * 10 + j)));
        const react = answering(pairs.flat(), () => undefined);
        const { applications, inbound, links } = await openChain(bench, 'http2', react);
        const { world } = bench;
        const clients = pairs.map((each) => {
          const peer = world.connect(LISTEN);
          peer.send(each.map(({ request }) => request).join(''));
          return peer;
        });
        for (const { who, which, what, steps } of faults) {
          for (let i = 0; i < steps; i++) world.transport.step();
          if (who === 'between') {
            world.clock.turn.run(() => links[which % 2]?.reset());
            continue;
          }
          const peers = who === 'client' ? clients : applications;
          const peer = peers[which % Math.max(1, peers.length)];
          if (peer !== undefined && peer.opened && !peer.closed) peer[what]();
        }
        world.run();
        for (const [i, { text }] of clients.entries()) {
          for (const [, id] of text.matchAll(/\r\nFor: (\d+)\r\n/g)) {
            assert.equal(Math.floor(Number(id) / 10), i);
          }
        }
        for (const peer of applications) if (!peer.closed) peer.reset();
        for (const peer of clients) if (!peer.closed) peer.resume();
        world.run();
        finish(bench, inbound, clients);
      },
    ),
    { numRuns: 200 },
  );
});
