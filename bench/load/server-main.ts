/**
 * The process of bench/load/server.ts: reads one line, `{host, delays}`, listens on a port for each
 * delay, writes `{ports}`, and serves until stdin ends.
 */
import { once } from 'node:events';
import { createServer as createHttp1Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { createInterface } from 'node:readline';
import { Rng } from '../../base/rng.ts';
import { dieWithParent, setRealTime } from './libc.ts';
import { stalledMs, type PortDelay } from './port-delay.ts';

const BACKLOG = 4_096;
const SMALL = Buffer.from('ok\n');
const NOTHING = Buffer.alloc(0);
/** Longest body of `/bytes/N`. */
const BODY_BYTES_MAX = 64 * 2 ** 20;
const DRAWS = 2 ** 31;

/** Bodies by their request target: a scenario asks for few lengths. */
const bodies = new Map<string, Buffer>([['/', SMALL]]);

function bodyOf(target: string): Buffer | undefined {
  const known = bodies.get(target);
  if (known !== undefined) return known;
  const length = /^\/bytes\/(\d{1,8})$/.exec(target)?.[1];
  if (length === undefined || Number(length) > BODY_BYTES_MAX) return undefined;
  const body = Buffer.alloc(Number(length), 'x');
  bodies.set(target, body);
  return body;
}

/** What requests of both protocols have in common. */
interface Request {
  readonly url?: string | undefined;
  resume(): unknown;
  once(event: 'end', listener: () => void): unknown;
}

/** The same of answers. */
interface Response {
  statusCode: number;
  setHeader(name: string, value: number): unknown;
  end(body: Buffer): unknown;
}

/** One port. */
class DelayedPort {
  readonly #delay: PortDelay;
  readonly #rng: Rng;
  readonly #startMs = performance.now();
  readonly server: Server;

  constructor(delay: PortDelay) {
    this.#delay = delay;
    this.#rng = new Rng(delay.seed ?? 1);
    const take = (request: Request, response: Response): void => this.#take(request, response);
    this.server = delay.protocol === 'http2' ? createHttp2Server(take) : http1Server(take);
  }

  #take(request: Request, response: Response): void {
    const delayMs = this.#drawMs();
    request.resume();
    request.once('end', () => {
      const readyMs = performance.now() - this.#startMs + delayMs;
      const waitMs = delayMs + stalledMs(this.#delay.stall, readyMs);
      if (waitMs === 0) answer(request.url ?? '', response);
      else setTimeout(answer, waitMs, request.url ?? '', response);
    });
  }

  #drawMs(): number {
    const { delayMs, slowShare = 0, slowFactor = 1 } = this.#delay;
    const slow = this.#rng.integer(DRAWS) < slowShare * DRAWS;
    return slow ? delayMs * slowFactor : delayMs;
  }
}

function http1Server(take: (request: Request, response: Response) => void): Server {
  const server = createHttp1Server(take);
  // Only the client ends a connection, so that no request meets one that just closed.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  return server;
}

function answer(target: string, response: Response): void {
  const body = bodyOf(target) ?? NOTHING;
  response.statusCode = body === NOTHING ? 404 : 200;
  response.setHeader('Content-Length', body.length);
  response.end(body);
}

dieWithParent();
// Where we may: delays must not depend on what else the machine does.
setRealTime(true);
const lines = createInterface({ input: process.stdin });
process.stdout.write('{"ready":true}\n');
for await (const line of lines) {
  const { host, delays } = JSON.parse(line) as { host: string; delays: readonly PortDelay[] };
  const servers = delays.map((delay) => new DelayedPort(delay).server);
  for (const server of servers) {
    server.listen({ host, port: 0, backlog: BACKLOG });
    await once(server, 'listening');
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  process.stdout.write(`${JSON.stringify({ ports })}\n`);
}
// The servers would keep it alive.
process.exit();
