/**
 * What lies under Node's sockets: libuv's TCP connection. Links sit on it themselves, as a `net.Socket`
 * between them would cost 4 KB of garbage a connection and its streams twice a system call
 * (docs/decisions/016-links-on-handles.md).
 *
 *   newHandle ─ connect ─> onConnected ─┐
 *   a listener's `onconnection` ────────┴─ own ─> readStart: onRead ...   close, reset ─> onHandleClosed
 *                                                 send: taken, or onWritten    shut ─> onShut
 *
 * It is Node's private side, and all that the data path knows of it is in this file and in
 * listening-handle.ts: what is not as it is known here stops the program when this is loaded.
 */
import { isIPv6 } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { whyNotWritten, writeDescriptor } from '../../base/libc.ts';

/** Hears of its handle; results are 0 or, below it, errors of the system (errorName). */
export interface HandleOwner {
  /** HOT: per frame. That many bytes are in the buffer given to `own`; END_OF_STREAM, or an error. */
  onRead(result: number): void;
  /** A dial has come to its end. */
  onConnected(result: number): void;
  /** What `send` left pending is the kernel's, or lost. */
  onWritten(result: number): void;
  /** Our FIN is on its way. */
  onShut(result: number): void;
  /** After `close` or `reset`: nothing more is heard. */
  onHandleClosed(): void;
}

/** What a handle tells about one of its ends; nothing where there is none. */
export interface EndName {
  address?: string;
  port?: number;
}

/** A connection; where a number is returned it is 0 or an error. */
export interface TcpHandle {
  /** Negative when there is none. */
  readonly fd: number;
  readStart(): number;
  readStop(): number;
  setNoDelay(on: boolean): number;
  /** Seconds. */
  setKeepAlive(on: boolean, after: number): number;
  getpeername(into: EndName): number;
  getsockname(into: EndName): number;
}

/** What links do not see of it. */
interface PrivateHandle extends TcpHandle {
  link?: HandleOwner;
  onread: unknown;
  useUserBuffer(buffer: Buffer): void;
  /** A number when all is decided. */
  writeBuffer(request: null, bytes: Buffer): number | WriteRequest;
  shutdown(request: Request): number;
  close(done: unknown): void;
  reset(done: unknown): number;
  bind(host: string, port: number): number;
  bind6(host: string, port: number, flags: number): number;
  connect(request: Request, host: string, port: number): number;
  connect6(request: Request, host: string, port: number): number;
}

interface Request {
  link?: HandleOwner;
  oncomplete: unknown;
}

interface WriteRequest extends Request {
  /** Its result, where that came before anybody could hear of it. */
  writeStatus?: number | null;
}

interface TcpBinding {
  readonly TCP: new (type: number) => PrivateHandle;
  readonly TCPConnectWrap: new () => Request;
  readonly constants: { readonly SOCKET: number };
}

interface StreamBinding {
  readonly ShutdownWrap: new () => Request;
  /** Results of the last call, by the indexes below. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteErr: number;
}

/** What `onRead` is told at the peer's FIN, on all systems. */
export const END_OF_STREAM = -4095;

const METHODS =
  'readStart readStop useUserBuffer writeBuffer shutdown close reset bind bind6 connect connect6 ' +
  'setNoDelay setKeepAlive getpeername getsockname';

const { TCP, TCPConnectWrap, constants } = bindingOf('tcp_wrap') as TcpBinding;
const { ShutdownWrap, kLastWriteErr, kReadBytesOrError, streamBaseState } = bindingOf(
  'stream_wrap',
) as StreamBinding;
assertKnown();

function bindingOf(name: string): object {
  const { binding } = process as unknown as { binding?: (name: string) => object };
  if (typeof binding !== 'function') throw unknownRuntime('no bindings');
  return binding(name);
}

function assertKnown(): void {
  const probe = new TCP(constants.SOCKET) as unknown as Record<string, unknown>;
  const missing = METHODS.split(' ').filter((method) => typeof probe[method] !== 'function');
  if (missing.length > 0) throw unknownRuntime(`no ${missing.join(', ')}`);
  const results = [streamBaseState[kReadBytesOrError], streamBaseState[kLastWriteErr]];
  if (results.includes(undefined)) throw unknownRuntime('no results');
  if (typeof TCPConnectWrap !== 'function' || typeof ShutdownWrap !== 'function') {
    throw unknownRuntime('no requests');
  }
}

function unknownRuntime(what: string): Error {
  const runtime = `The sockets of Node.js ${process.version} are not as Culvert knows them`;
  return new Error(`${runtime} (${what}): run it on the version that package.json names.`);
}

/** A connection that is to be dialled. */
export const newHandle = (): TcpHandle => new TCP(constants.SOCKET);

/**
 * What is read from here on lands in `into`, which is to be kept, and `owner` hears of the handle.
 * Nothing is read before `readStart`.
 */
export function own(handle: TcpHandle, owner: HandleOwner, into: Buffer): void {
  const priv = handle as PrivateHandle;
  priv.link = owner;
  priv.onread = onRead;
  priv.useUserBuffer(into);
}

/** Dials an IP address, from the address `from` where that is not undefined; `owner` hears of it. */
export function connect(
  handle: TcpHandle,
  owner: HandleOwner,
  host: string,
  port: number,
  from: string | undefined,
): number {
  const priv = handle as PrivateHandle;
  const ipv6 = isIPv6(host);
  if (from !== undefined) {
    const bound = ipv6 ? priv.bind6(from, 0, 0) : priv.bind(from, 0);
    if (bound !== 0) return bound;
  }
  const request = new TCPConnectWrap();
  request.link = owner;
  request.oncomplete = onConnected;
  return ipv6 ? priv.connect6(request, host, port) : priv.connect(request, host, port);
}

/**
 * HOT: per frame. 0: the kernel has taken the first `length` of `bytes`; below 0: an error; above it: the
 * kernel will take the last so many, they are to be left alone, and the owner hears of it. The handle is
 * not closed: its descriptor may be another file's then.
 */
export function send(handle: TcpHandle, owner: HandleOwner, bytes: Buffer, length: number): number {
  // As a call of our own it is a third of what it costs by way of the handle, and leaves nothing behind.
  const taken = writeDescriptor(handle.fd, bytes, length);
  if (taken === length) return 0;
  // The kernel tells it once, and EPIPE from then on.
  const error = taken < 0 ? whyNotWritten() : 0;
  if (error < 0) return error;
  return sendRest(handle, owner, bytes.subarray(Math.max(0, taken), length));
}

function sendRest(handle: TcpHandle, owner: HandleOwner, rest: Buffer): number {
  const result = (handle as PrivateHandle).writeBuffer(null, rest);
  if (typeof result === 'number') return result;
  const failed = streamBaseState[kLastWriteErr]!;
  if (failed !== 0) return failed;
  const { writeStatus } = result;
  if (typeof writeStatus === 'number') return writeStatus;
  result.link = owner;
  result.oncomplete = onWritten;
  return rest.length;
}

/** Sends FIN, soon: the owner hears of it, but of an error here and now. */
export function shut(handle: TcpHandle, owner: HandleOwner): number {
  const request = new ShutdownWrap();
  request.link = owner;
  request.oncomplete = onShut;
  return (handle as PrivateHandle).shutdown(request);
}

/** Ends it: with RST when bytes were not read, else with FIN. */
export function closeHandle(handle: TcpHandle): void {
  (handle as PrivateHandle).close(onClosed);
}

/** Ends it with RST. Not while a FIN is on its way: libuv refuses that, and never closes it. */
export function resetHandle(handle: TcpHandle): void {
  (handle as PrivateHandle).reset(onClosed);
}

/** The system's name of an error, as "ECONNRESET". */
export const errorName = (error: number): string => getSystemErrorName(error);

// What the handles of all links call, with the handle or the request as `this`.

function onRead(this: PrivateHandle): void {
  const result = streamBaseState[kReadBytesOrError]!;
  // 0: there was nothing to read after all.
  if (result !== 0) this.link?.onRead(result);
}

function onClosed(this: PrivateHandle): void {
  this.link?.onHandleClosed();
}

function onConnected(this: Request, result: number): void {
  this.link?.onConnected(result);
}

function onWritten(this: Request, result: number): void {
  this.link?.onWritten(result);
}

function onShut(this: Request, result: number): void {
  this.link?.onShut(result);
}
