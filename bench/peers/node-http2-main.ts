/**
 * The process of bench/peers/node-http2.ts: `HOST:PORT…` of the backends; writes where it listens.
 * One connection to each backend, in turn; bodies are piped, answers and trailers passed on.
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';

const HOST = '127.0.0.1';
const BAD_GATEWAY = 502;

const addresses = process.argv.slice(2);
const sessions: http2.ClientHttp2Session[] = [];
let turn = 0;

/** The session of the next backend, dialled anew when it has ended. */
function next(): http2.ClientHttp2Session {
  turn = (turn + 1) % addresses.length;
  let session = sessions[turn];
  if (session === undefined || session.closed || session.destroyed) {
    session = http2.connect(`http://${addresses[turn]}`);
    session.on('error', () => undefined);
    sessions[turn] = session;
  }
  return session;
}

function forward(downstream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
  const upstream = next().request(headers);
  downstream.on('error', () => undefined);
  downstream.once('aborted', () => upstream.close(http2.constants.NGHTTP2_CANCEL));
  upstream.on('error', () => {
    if (downstream.destroyed) return;
    if (!downstream.headersSent) downstream.respond({ ':status': BAD_GATEWAY });
    downstream.end();
  });
  let trailers: http2.IncomingHttpHeaders = {};
  upstream.once('trailers', (fields) => (trailers = fields));
  upstream.once('response', (answer) => {
    if (downstream.destroyed) return;
    downstream.respond(answer, { waitForTrailers: true });
    // Without any, an empty frame ends the answer.
    downstream.once('wantTrailers', () => downstream.sendTrailers(trailers));
    upstream.pipe(downstream);
  });
  downstream.pipe(upstream);
}

const server = http2.createServer();
server.on('stream', forward);
server.on('session', (session) => session.on('error', () => undefined));
server.listen(0, HOST);
await once(server, 'listening');
process.stdout.write(`${HOST}:${(server.address() as AddressInfo).port}\n`);
