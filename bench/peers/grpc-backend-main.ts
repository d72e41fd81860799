/**
 * The process of bench/peers/grpc-backend.ts: `COUNT MESSAGE-BYTES`; writes where it listens, a JSON
 * line, and serves until it is killed. One loop of system calls, as the generator beside it: what it
 * costs is taken from the core that loads the proxies.
 */
import { writeSync } from 'node:fs';
import {
  accept,
  allocateNative,
  bind,
  dieWithParent,
  errno,
  errnoName,
  getsockname,
  listen,
  setNoDelay,
  socket,
  SOCKET_TYPE,
} from '../load/libc.ts';
import { READABLE, Poller } from '../load/poller.ts';
import { PolledSocket, portOf, socketAddress } from '../load/socket.ts';
import { GrpcEcho } from './grpc-echo.ts';

const HOST = '127.0.0.1';
const STDOUT = 1;
const BACKLOG = 4_096;
const INPUT_BYTES = 1 << 16;
/** Connections taken at one event; the next event tells of more. */
const ACCEPTS_MAX = 64;
const WAIT_US = 3.6e9;

const [count = 0, messageBytes = 0] = process.argv.slice(2).map(Number);
const poller = new Poller();
const shared = { poller, input: allocateNative(INPUT_BYTES) };
/** Their tokens are their places; those of connections follow. */
const listeners: number[] = [];
const connections: PolledSocket[] = [];

/** Listens on a free port; returns it. */
function listenAnywhere(): number {
  const address = socketAddress({ host: HOST, port: 0 });
  const fd = socket(address.family, SOCKET_TYPE, 0);
  const length = allocateNative(4);
  length.bytes.writeUInt32LE(address.bytes.length);
  const isReady =
    fd >= 0 &&
    bind(fd, address.pointer, address.bytes.length) === 0 &&
    listen(fd, BACKLOG) === 0 &&
    getsockname(fd, address.pointer, length.pointer) === 0;
  if (!isReady) throw new Error(`cannot listen: ${errnoName(errno())}`);
  poller.add(fd, READABLE, listeners.push(fd) - 1);
  return portOf(address);
}

function take(listener: number): void {
  for (let i = 0; i < ACCEPTS_MAX; i++) {
    const fd = accept(listener);
    if (fd < 0) return;
    setNoDelay(fd);
    let free = connections.findIndex(({ open }) => !open);
    if (free === -1) free = connections.length;
    const connection = (connections[free] ??= new PolledSocket(shared, listeners.length + free));
    connection.attach(fd, new GrpcEcho(connection, messageBytes));
  }
}

function serve(): never {
  for (;;) {
    const events = poller.wait(WAIT_US);
    for (let i = 0; i < events; i++) {
      const token = poller.token(i);
      const listener = listeners[token];
      if (listener === undefined)
        connections[token - listeners.length]?.onReady(poller.happened(i));
      else take(listener);
    }
  }
}

dieWithParent();
const ports = Array.from({ length: count }, listenAnywhere);
writeSync(STDOUT, `${JSON.stringify(ports.map((port) => `${HOST}:${port}`))}\n`);
serve();
