/**
 * One inbound sidecar in memory, with tunnels through it: clients and servers of either protocol that
 * say random bytes, early ones too, and end their halves when they like. Each tunnel is compared at
 * both ends.
 */
import assert from 'node:assert/strict';
import { timeouts } from '../../proxy/limits.ts';
import type { Protocol } from '../../proxy/model/exchange.ts';
import { inboundStack } from '../../proxy/stack.ts';
import type { MemoryOptions } from '../../proxy/transport/memory.ts';
import { Http2End } from './http2-end.ts';
import {
  END_STREAM,
  SETTING,
  connectBlock,
  data,
  headers,
  reset,
  statusBlock,
  upgradeBlock,
} from './http2-wire.ts';
import type { MemoryPeer } from './memory-world.ts';
import type { Random } from './random.ts';
import { APPLICATION, LISTEN, StackBench } from './stack-bench.ts';

/** RFC 6455 section 1.3: a key, and what proves that it was understood. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const FRAME_BYTES_MAX = 16_384;
const NONE = Buffer.alloc(0);

/** What one end of a tunnel says. */
export interface Speech {
  /** Right behind its head, before it has heard the other end. */
  readonly early: Buffer;
  readonly rest: Buffer;
  /** Its half ends behind the other one only. */
  readonly waits: boolean;
  /** It resets in place of its end: then, or once it has heard something of the other end. */
  readonly cuts: 'never' | 'at-the-end' | 'when-heard';
}

/** One tunnel. */
export interface TunnelPlan {
  readonly id: number;
  readonly kind: 'upgrade' | 'connect';
  readonly client: Speech;
  readonly server: Speech;
}

/**
 * A tunnel whose ends say up to some 100 KB, and do not both wait for the other to end; with `cuts` one
 * or both may reset it.
 */
export function randomTunnel(random: Random, id: number, cuts: boolean): TunnelPlan {
  const some = (chance: number): Buffer =>
    random.chance(chance)
      ? random.bytes(random.integer(1, random.chance(0.1) ? 150_000 : 3_000))
      : NONE;
  const clientWaits = random.chance(0.4);
  const kind = random.pick(['upgrade', 'connect'] as const);
  const client = { early: some(0.5), rest: some(0.8), waits: clientWaits };
  const server = { early: some(0.5), rest: some(0.8), waits: !clientWaits && random.chance(0.5) };
  // Before it has heard of the client a server's reset is no tunnel's.
  const heard = client.early.length > 0;
  return {
    id,
    kind,
    client: { ...client, cuts: cuts && random.chance(0.5) ? 'at-the-end' : 'never' },
    server: { ...server, cuts: cuts && heard && random.chance(0.4) ? 'when-heard' : 'never' },
  };
}

/** What follows bytes that an end says. */
type Then = 'more' | 'end' | 'cut';

/** An end of a tunnel, as it is told of what comes. */
class TunnelEnd {
  received: Buffer = NONE;
  ended = false;
  /** It was reset by the proxy, or has reset itself. */
  lost = false;
  hasCut = false;
  readonly #speech: Speech;
  readonly #say: (bytes: Buffer, then: Then) => void;
  #open = false;
  #done = false;

  constructor(speech: Speech, say: (bytes: Buffer, then: Then) => void) {
    this.#speech = speech;
    this.#say = say;
  }

  /** The tunnel is there. */
  opened(): void {
    if (this.#open) return;
    this.#open = true;
    const { rest, waits } = this.#speech;
    if (rest.length > 0) this.#say(rest, 'more');
    if (!waits || this.ended) this.#end();
  }

  /** All that came so far, whether that is all, and whether the tunnel is gone. */
  heard(received: Buffer, ended: boolean, lost: boolean): void {
    this.received = received;
    this.ended = ended;
    this.lost = lost;
    const cuts = this.#speech.cuts === 'when-heard';
    if ((ended || cuts) && this.#open) this.#end();
  }

  #end(): void {
    const { cuts } = this.#speech;
    if (this.#done || (cuts === 'when-heard' && this.received.length === 0)) return;
    this.#done = true;
    this.hasCut = cuts !== 'never';
    this.#say(NONE, cuts === 'never' ? 'end' : 'cut');
  }
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** DATA frames of `bytes`, and what ends the stream. */
function frames(stream: number, bytes: Buffer, then: Then = 'more'): Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX) {
    all.push(data(stream, bytes.subarray(at, at + FRAME_BYTES_MAX)));
  }
  if (then === 'end') all.push(data(stream, '', END_STREAM));
  if (then === 'cut') all.push(reset(stream, 'CANCEL'));
  return all;
}

export class TunnelChain {
  readonly bench: StackBench;
  readonly #to: Protocol;
  readonly #plans: readonly TunnelPlan[];
  readonly #clients = new Map<number, TunnelEnd>();
  readonly #servers = new Map<number, TunnelEnd>();
  readonly #peers: MemoryPeer[] = [];
  readonly #http2Ends: Http2End[] = [];
  /** What an end found wrong first: it cannot throw where it stands. */
  #fault: Error | undefined = undefined;

  private constructor(to: Protocol, plans: readonly TunnelPlan[], options: MemoryOptions) {
    this.bench = new StackBench(options);
    this.#to = to;
    this.#plans = plans;
  }

  /** Clients speak `from`, the application `to`. */
  static async open(
    from: Protocol,
    to: Protocol,
    plans: readonly TunnelPlan[],
    options: MemoryOptions,
  ): Promise<TunnelChain> {
    const chain = new TunnelChain(to, plans, options);
    const { bench } = chain;
    const serve = to === 'http1' ? chain.#serveHttp1 : chain.#serveHttp2;
    await bench.world.serve(APPLICATION, serve);
    const downstreams = inboundStack(bench.parts, { ...APPLICATION, protocol: to });
    await bench.open('inbound', downstreams);
    if (from === 'http1') for (const plan of plans) chain.#askHttp1(plan);
    else chain.#askHttp2();
    return chain;
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fault ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  // ---- clients ----

  #askHttp1(plan: TunnelPlan): void {
    const peer = this.bench.world.connect(LISTEN);
    this.#peers.push(peer);
    const end = new TunnelEnd(plan.client, (bytes, then) => sayOn(peer, bytes, then));
    this.#clients.set(plan.id, end);
    peer.react = () =>
      this.#guarded(() => {
        const headEnd = peer.text.indexOf('\r\n\r\n') + 4;
        // A reset overtakes the grant, too.
        if (headEnd === 3) return end.heard(NONE, false, peer.closed);
        assertGranted(plan, peer.text.slice(0, headEnd));
        end.heard(peer.bytes.subarray(headEnd), peer.ended, peer.closed);
        end.opened();
      });
    const head =
      plan.kind === 'connect'
        ? `CONNECT t${plan.id}:80 HTTP/1.1\r\nHost: t${plan.id}:80\r\n\r\n`
        : `GET /t/${plan.id} HTTP/1.1\r\nHost: web\r\nConnection: keep-alive, Upgrade\r\n` +
          `Upgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;
    peer.send(Buffer.concat([bytesOf(head), plan.client.early]));
  }

  #askHttp2(): void {
    const { world } = this.bench;
    const peer = world.connect(LISTEN);
    this.#peers.push(peer);
    const streams = new Map<number, TunnelPlan>();
    const client = new Http2End(world, peer, 'client', (it) =>
      this.#guarded(() => {
        for (const [stream, { id }] of streams) {
          const { blocks, body, ended, reset: cut } = it.wire.stream(stream);
          if (blocks[0] === undefined) continue;
          assert.equal(blocks[0][0]?.value, '200', 'granted');
          const end = this.#clients.get(id)!;
          const isCut = cut !== undefined;
          end.heard(Buffer.concat(body), ended && !isCut, isCut);
          end.opened();
        }
      }),
    );
    this.#http2Ends.push(client);
    for (const [i, plan] of this.#plans.entries()) {
      const stream = 2 * i + 1;
      streams.set(stream, plan);
      const say = (bytes: Buffer, then: Then): void =>
        client.send(stream, frames(stream, bytes, then));
      this.#clients.set(plan.id, new TunnelEnd(plan.client, say));
      const block =
        plan.kind === 'connect'
          ? connectBlock(`t${plan.id}:80`)
          : upgradeBlock('websocket', `/t/${plan.id}`);
      client.send(stream, [headers(stream, block), ...frames(stream, plan.client.early)]);
    }
  }

  // ---- servers ----

  #begun(id: number, say: (bytes: Buffer, then: Then) => void): TunnelEnd {
    const plan = this.#plans[id];
    assert(plan !== undefined && !this.#servers.has(id), `a tunnel of the number ${id}`);
    const end = new TunnelEnd(plan.server, say);
    this.#servers.set(id, end);
    return end;
  }

  readonly #serveHttp1 = (peer: MemoryPeer): void =>
    this.#guarded(() => {
      const { text } = peer;
      const headEnd = text.indexOf('\r\n\r\n') + 4;
      if (headEnd === 3) return;
      const head = text.slice(0, headEnd);
      assert.equal(text.length, headEnd, 'nothing comes before it is granted');
      const id = Number(/^(?:CONNECT t|GET \/t\/)(\d+)/.exec(head)?.[1]);
      const end = this.#begun(id, (bytes, then) => sayOn(peer, bytes, then));
      peer.react = () =>
        this.#guarded(() => end.heard(peer.bytes.subarray(headEnd), peer.ended, peer.closed));
      const answer = head.startsWith('CONNECT') ? 'HTTP/1.1 200 OK\r\n\r\n' : switching(head);
      peer.send(Buffer.concat([bytesOf(answer), this.#plans[id]!.server.early]));
      end.opened();
    });

  readonly #serveHttp2 = (peer: MemoryPeer): void =>
    this.#guarded(() => {
      const ids = new Map<number, TunnelEnd>();
      const end = Http2End.accepted(
        this.bench.world,
        peer,
        (it) => this.#guarded(() => this.#serveStreams(it, ids)),
        [SETTING.ENABLE_CONNECT_PROTOCOL, 1],
      );
      if (end !== undefined) this.#http2Ends.push(end);
    });

  #serveStreams(server: Http2End, begun: Map<number, TunnelEnd>): void {
    for (const [stream, { blocks, body, ended, reset: cut }] of server.wire.streams) {
      const [fields] = blocks;
      if (fields === undefined) continue;
      let end = begun.get(stream);
      const begins = end === undefined;
      if (end === undefined) {
        assert.deepEqual(body, [], 'nothing comes before it is granted');
        const named = fields.map(({ name, value }) => `${name}=${value}`).join(' ');
        const id = Number(/(?::path=\/t\/|:authority=t)(\d+)/.exec(named)?.[1]);
        end = this.#begun(id, (bytes, then) => server.send(stream, frames(stream, bytes, then)));
        begun.set(stream, end);
        const { early } = this.#plans[id]!.server;
        server.send(stream, [headers(stream, statusBlock(200)), ...frames(stream, early)]);
      }
      const isCut = cut !== undefined;
      end.heard(Buffer.concat(body), ended && !isCut, isCut);
      if (begins) end.opened();
    }
  }

  // ---- ends ----

  /** Lets everything happen; fails unless all arrived, and nothing is left behind. */
  finish(): void {
    const { bench } = this;
    bench.world.run();
    if (this.#fault !== undefined) throw this.#fault;
    for (const { id, client, server } of this.#plans) {
      const ends = [this.#clients.get(id), this.#servers.get(id)] as const;
      const whole = client.cuts === 'never' && server.cuts === 'never';
      this.#assertHeard(`server of ${id}`, ends[1], client, whole);
      this.#assertHeard(`client of ${id}`, ends[0], server, whole);
      const cut = ends.some((end) => end?.hasCut === true);
      const told = ends.every((end) => end?.hasCut === true || end?.lost === true);
      assert(told || !cut, `one end of ${id} has reset it, and the other does not know`);
    }
    for (const { wire } of this.#http2Ends) assert.deepEqual(wire.referee.violations, []);
    assert.deepEqual(bench.errors, []);
    const statuses = this.#plans.map(({ kind }) => (kind === 'connect' ? 200 : 101));
    assert.deepEqual(
      bench.ended.map(({ status }) => status).toSorted((a, b) => a - b),
      statuses.toSorted((a, b) => a - b),
    );
    if (this.#to === 'http1') {
      for (const peer of this.#peers) {
        assert(
          peer.closed || this.#http2Ends.length > 0,
          'both halves have ended: so has the link',
        );
      }
    }
    for (const peer of this.#peers) if (!peer.closed) peer.reset();
    bench.world.run();
    bench.world.advance(timeouts.http2UpstreamIdleMs + 1_000);
    bench.finish(this.#peers);
  }

  #assertHeard(who: string, end: TunnelEnd | undefined, speech: Speech, whole: boolean): void {
    const { cuts, early, rest } = speech;
    assert(end !== undefined, `${who} did not hear of it`);
    const said = Buffer.concat([early, rest]);
    const { ended, received } = end;
    if (whole) assert.equal(received.length, said.length, `bytes that came to the ${who}`);
    assert(received.equals(said.subarray(0, received.length)), `other bytes came to the ${who}`);
    if (whole) assert(ended, `the ${who} did not hear the end`);
    if (cuts !== 'never') assert(!ended, `the ${who} took a reset for an end`);
    // An end that came in order is behind all that was said.
    if (ended) assert.equal(received.length, said.length, `the ${who} heard an end too early`);
  }
}

function sayOn(peer: MemoryPeer, bytes: Buffer, then: Then): void {
  if (then === 'more') peer.send(bytes);
  else if (then === 'end') peer.end();
  else peer.reset();
}

function switching(head: string): string {
  const key = /\r\nsec-websocket-key: (\S+)\r\n/i.exec(head)?.[1];
  assert(key !== undefined && /\r\nconnection: upgrade\r\n/i.test(head), head);
  const accept = key === KEY ? ACCEPT : acceptOf(key);
  return (
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
  );
}

function acceptOf(key: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** What a client of HTTP/1.1 must be told. */
function assertGranted({ kind }: TunnelPlan, head: string): void {
  const fields = head.toLowerCase().split('\r\n').slice(1, -2).toSorted();
  if (kind === 'connect') {
    assert.match(head, /^HTTP\/1\.1 200 /);
    assert.deepEqual(fields, []);
    return;
  }
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  const accept = `sec-websocket-accept: ${ACCEPT.toLowerCase()}`;
  assert.deepEqual(fields, ['connection: upgrade', accept, 'upgrade: websocket']);
}
