import type { ClientRequest } from 'node:http';

/** Calls `connected` once the request has a connection, which may be one that others had before. */
export function whenConnected(request: ClientRequest, connected: () => void): void {
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', connected);
    else connected();
  });
}
