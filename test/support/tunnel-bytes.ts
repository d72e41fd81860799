/**
 * Tunnels through real sidecars whose ends say random bytes: each as much, in such pieces and as fast
 * as its plan says, and each ends its half when it has said all, or behind the other one. A seed brings
 * all of it back. What was said is compared with what was heard by digest: nothing is held.
 *
 *   client ─ ask, bytes, FIN ─> sidecar(s) ─> server      the ask names the tunnel, so that the
 *   client <─ grant, bytes, FIN ─ sidecar(s) <─ server    server knows its part of the plan
 */
import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { eventually } from './deadline.ts';
import { residentBytes } from './kernel-sockets.ts';
import type { Digest } from './large-body.ts';
import { parseSamples, sumOf } from './prometheus-text.ts';
import { Random } from './random.ts';
import { dial, PeerServer, type PeerLink } from './scripted-peer.ts';
import { Sidecar } from './sidecar.ts';

const KIB = 1_024;
const MIB = 1_024 * KIB;
const BLOCK_BYTES = 2 * MIB;
const PIECE_BYTES_MAX = 256 * KIB;
const TUNNEL_BYTES_MAX = 32 * MIB;
const TUNNELS_AT_ONCE = 6;
const NOTHING = Buffer.alloc(0);
const LINK = { record: false, highWaterBytes: MIB };
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n';

/** What asks for tunnel `id`, and how it is granted; undefined: not in words. */
interface Kind {
  readonly ask: (id: number) => string;
  readonly grant: RegExp | undefined;
}

/** A kind of tunnel, and the sidecars it goes through. */
export interface TunnelWay {
  readonly name: string;
  readonly kind: Kind;
  /** The sidecars towards 127.0.0.1:`port`, from the client's on, and where clients connect. */
  readonly open: (port: number) => Promise<{ address: string; sidecars: readonly Sidecar[] }>;
}

/** Something that no HTTP begins with. */
const inBytes = (id: number): string => `\0tunnel/${id}\n`;

const TCP: Kind = { ask: inBytes, grant: undefined };
const CONNECT: Kind = {
  ask: (id) => `CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n${inBytes(id)}`,
  grant: /^HTTP\/1\.1 200 /,
};
const UPGRADE: Kind = {
  ask: (id) =>
    `GET /tunnel/${id} HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n`,
  grant: /^HTTP\/1\.1 101 /,
};

const outbound = (to: string): Promise<Sidecar> =>
  Sidecar.start('--outbound', '127.0.0.1:0', '--to', to);

/** Two sidecars in a row, as between two pods. */
export const TUNNEL_WAYS: readonly TunnelWay[] = [
  {
    name: 'TCP',
    kind: TCP,
    open: async (port) => {
      const inbound = await Sidecar.inbound(port);
      const listen = ['--way-out', '127.0.0.1:0=db:1', '--to', `db:1=${inbound.address}`];
      const first = await Sidecar.start(...listen);
      return { address: first.wayOut, sidecars: [first, inbound] };
    },
  },
  {
    name: 'CONNECT, and TCP behind it',
    kind: CONNECT,
    open: async (port) => {
      const inbound = await Sidecar.inbound(port);
      const first = await outbound(`db:1=${inbound.address}`);
      return { address: first.address, sidecars: [first, inbound] };
    },
  },
  {
    name: 'an upgrade',
    kind: UPGRADE,
    open: async (port) => {
      const inbound = await Sidecar.inbound(port);
      const first = await outbound(`web=${inbound.address}`);
      return { address: first.address, sidecars: [first, inbound] };
    },
  },
  {
    name: 'an upgrade, with HTTP/2 between',
    kind: UPGRADE,
    open: async (port) => {
      const inbound = await Sidecar.inbound(port, '--forward-protocol', 'http1');
      const first = await outbound(`web=h2c://${inbound.address}`);
      return { address: first.address, sidecars: [first, inbound] };
    },
  },
];

/** What one end of a tunnel does. */
interface Part {
  readonly seed: number;
  readonly bytes: number;
  /** Its half ends behind the other one. */
  readonly waits: boolean;
  readonly readsSlowly: boolean;
}

interface Plan {
  readonly id: number;
  readonly client: Part;
  readonly server: Part;
}

/** Tunnels that carry `bytes` each way in all. */
function planTunnels(random: Random, bytes: number): Plan[] {
  const plans: Plan[] = [];
  const left = { up: bytes, down: bytes };
  const large = Math.min(TUNNEL_BYTES_MAX, bytes / 4);
  const some = (most: number): number => {
    const size = random.pick([KIB, 100 * KIB, large / 8, large]);
    return Math.min(most, random.integer(0, Math.round(size)));
  };
  const part = (size: number, waits: boolean): Part => ({
    seed: random.integer(0, 2 ** 31),
    bytes: size,
    waits,
    readsSlowly: random.chance(0.2),
  });
  while (left.up > 0 || left.down > 0) {
    const clientWaits = random.chance(0.3);
    const serverWaits = !clientWaits && random.chance(0.3);
    const client = part(some(left.up), clientWaits);
    const server = part(some(left.down), serverWaits);
    left.up -= client.bytes;
    left.down -= server.bytes;
    plans.push({ id: plans.length, client, server });
  }
  return plans;
}

/** What an end said and heard. */
interface Outcome {
  readonly said: Digest;
  readonly heard: Digest;
}

/** Says its part behind `words`, then ends its half. */
async function say(
  link: PeerLink,
  { bytes, seed }: Part,
  block: Buffer,
  words: string,
  mayEnd: Promise<void> | undefined,
): Promise<Digest> {
  const random = new Random(seed);
  const hash = createHash('sha256');
  let first: Buffer = Buffer.from(words, 'latin1');
  for (let left = bytes; left > 0 || first.length > 0;) {
    const most = random.chance(0.1) ? 64 : PIECE_BYTES_MAX;
    const size = Math.min(left, random.integer(1, most));
    const at = random.integer(0, BLOCK_BYTES - size);
    const piece = block.subarray(at, at + size);
    hash.update(piece);
    left -= size;
    const together = first.length > 0 ? Buffer.concat([first, piece]) : piece;
    first = NOTHING;
    if (!(await link.send(together)))
      throw new Error(`the connection was lost, ${left} bytes left`);
    if (random.chance(0.02)) await turn();
  }
  await mayEnd;
  link.halfClose();
  return { bytes, sha256: hash.digest('hex') };
}

/** Hears all until the other half's end; rejects when it is reset. */
async function hear(link: PeerLink, { readsSlowly, seed }: Part): Promise<Digest> {
  const random = new Random(seed + 1);
  const hash = createHash('sha256');
  let bytes = 0;
  for (;;) {
    const some = await link.takeSome();
    if (some === undefined) return { bytes, sha256: hash.digest('hex') };
    bytes += some.length;
    hash.update(some);
    if (readsSlowly && random.chance(0.1)) for (let turns = 0; turns < 50; turns++) await turn();
  }
}

/** `granted` resolves when what comes is the tunnel's. */
async function converse(
  link: PeerLink,
  part: Part,
  block: Buffer,
  words: string,
  granted: Promise<void>,
): Promise<Outcome> {
  const ended = Promise.withResolvers<void>();
  const hearing = granted.then(() => hear(link, part)).finally(ended.resolve);
  const saying = say(link, part, block, words, part.waits ? ended.promise : undefined);
  const [said, heard] = await Promise.all([saying, hearing]);
  return { said, heard };
}

/** Reads a head's lines up to the empty one; returns the first. */
async function readHead(link: PeerLink): Promise<string> {
  const first = (await link.takeLine()).toString('latin1');
  for (let line = first; line !== '\r\n';) line = (await link.takeLine()).toString('latin1');
  return first;
}

async function readGrant(link: PeerLink, grant: RegExp | undefined): Promise<void> {
  if (grant === undefined) return;
  const line = await readHead(link);
  if (!grant.test(line)) throw new Error(`it was answered ${JSON.stringify(line)}`);
}

/** One way, its server, and all tunnels of its plan. */
class Conversations {
  readonly problems: string[] = [];
  readonly plans: readonly Plan[];
  readonly #block: Buffer;
  readonly #kind: Kind;
  readonly #atServer = new Map<number, Outcome>();

  constructor(kind: Kind, bytes: number, seed: number) {
    const random = new Random(seed);
    this.#kind = kind;
    this.#block = random.bytes(BLOCK_BYTES);
    this.plans = planTunnels(random, bytes);
  }

  readonly serve = async (link: PeerLink): Promise<void> => {
    const http = this.#kind === UPGRADE;
    const line = http ? await readHead(link) : (await link.takeLine()).toString('latin1');
    const id = Number(/tunnel\/(\d+)/.exec(line)?.[1]);
    const plan = this.plans[id];
    if (plan === undefined) throw new Error(`no tunnel is asked for by ${JSON.stringify(line)}`);
    const words = http ? SWITCHING : '';
    const granted = Promise.resolve();
    this.#atServer.set(id, await converse(link, plan.server, this.#block, words, granted));
  };

  async #tunnel({ client, id }: Plan, address: string): Promise<Outcome> {
    using link = await dial(address, LINK);
    const granted = readGrant(link, this.#kind.grant);
    return await converse(link, client, this.#block, this.#kind.ask(id), granted);
  }

  /** Has all of them, some at once, and compares what arrived. */
  async run(address: string): Promise<void> {
    const atClient = new Map<number, Outcome>();
    const waiting = this.plans.values();
    const work = async (): Promise<void> => {
      for (const plan of waiting) {
        try {
          atClient.set(plan.id, await this.#tunnel(plan, address));
        } catch (error) {
          this.problems.push(`tunnel ${plan.id}, ${sayPlan(plan)}: ${String(error)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: TUNNELS_AT_ONCE }, work));
    // The last of them may still be on its way to the server.
    const whole = (): boolean => this.#atServer.size >= atClient.size;
    await eventually('the server to hear all', whole).catch(() => undefined);
    for (const plan of this.plans) this.#compare(plan, atClient.get(plan.id));
  }

  #compare(plan: Plan, client: Outcome | undefined): void {
    const server = this.#atServer.get(plan.id);
    if (client === undefined) return;
    const up = server !== undefined && same(client.said, server.heard);
    const down = server !== undefined && same(server.said, client.heard);
    if (up && down) return;
    const outcome = JSON.stringify({ client, server });
    this.problems.push(`tunnel ${plan.id}, ${sayPlan(plan)}: ${outcome}`);
  }
}

const same = (one: Digest, other: Digest): boolean =>
  one.bytes === other.bytes && one.sha256 === other.sha256;

const sayPlan = ({ client, server }: Plan): string => JSON.stringify({ client, server });

/** What came of one way. */
export interface TunnelReport {
  readonly tunnels: number;
  readonly tookMs: number;
  /** Memory of each sidecar in the end, bytes. */
  readonly resident: readonly number[];
  readonly problems: readonly string[];
}

/** Errors that a sidecar has counted, and downstream connections that it has open still. */
async function leftIn(sidecar: Sidecar): Promise<{ errors: number; open: number }> {
  const samples = parseSamples((await sidecar.admin('/metrics')).text);
  return {
    errors: sumOf(samples, 'proxy_errors_total'),
    open: sumOf(samples, 'tcp_open_connections', { peer: 'src' }),
  };
}

/** Sends `bytes` each way through tunnels of one kind, as many as it takes. */
export async function sendByTunnels(
  way: TunnelWay,
  bytes: number,
  seed: number,
): Promise<TunnelReport> {
  const conversations = new Conversations(way.kind, bytes, seed);
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await PeerServer.listen(conversations.serve, LINK));
  const { address, sidecars } = await way.open(server.port);
  for (const sidecar of sidecars) stack.use(sidecar);
  const sinceMs = performance.now();
  await conversations.run(address);
  const tookMs = performance.now() - sinceMs;
  const problems = [...conversations.problems, ...server.failures.map(String)];
  for (const sidecar of sidecars) {
    // Of HTTP/2 between them one connection rests.
    const rests = sidecar !== sidecars[0] && way.name.includes('HTTP/2') ? 1 : 0;
    await eventually('no connection to be left', async () => {
      return (await leftIn(sidecar)).open <= rests;
    });
    const { errors } = await leftIn(sidecar);
    if (errors > 0) problems.push(`${errors} errors in ${sidecar.process.pid}: ${sidecar.stderr}`);
  }
  const resident = sidecars.map(({ ready }) => residentBytes(ready.pid));
  return { tunnels: conversations.plans.length, tookMs, resident, problems };
}
