/** A customer who watches what happens at the counter: the page's WebSocket without the page. */
import { WebSocket } from 'ws';
import { whenConnected } from './when-connected.ts';

const STAY_MS = 1_000;
/** How a WebSocket ends in order: RFC 6455 section 7.4.1. */
const DONE = 1000;
const GOING_AWAY = 1001;

/**
 * Watches for a second. `connected` is called once there is a connection. Resolves to whether it was
 * told anything, and both sides ended it in order.
 */
export function watch(host: string, port: string, connected: () => void): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let heard = false;
  const socket = new WebSocket(`ws://${host}:${port}/live`, {
    finishRequest: (request) => {
      whenConnected(request, connected);
      request.end();
    },
  });
  socket.once('open', () => setTimeout(() => socket.close(DONE), STAY_MS));
  socket.on('message', () => (heard = true));
  // "close" follows, and says all there is to know.
  socket.on('error', () => {});
  socket.once('close', (code) => resolve(heard && (code === DONE || code === GOING_AWAY)));
  return promise;
}
