/**
 * Calls of the C library that Node has no function for, through `node:ffi`, which is experimental:
 * it is used in this file only. What is called is bound at its first call, which costs 2 ms and
 * 1 MB once, and throws where there is no such call.
 */
import { constants } from 'node:os';
import type { SocketAddress } from './settings.ts';
import { SOCKADDR_BYTES_MAX, readSocketAddress } from './sockaddr.ts';

/** "I do not need these pages" (madvise(2), Linux). */
const MADV_DONTNEED = 4;

/** Loads without the warning that the module is experimental: no news to who runs a proxy. */
function loadFfi(): typeof import('node:ffi') {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:ffi');
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** `bind` once; `null` is the program itself, which is linked with the C library. */
function lazily<T>(bind: (dlopen: (typeof import('node:ffi'))['dlopen']) => T): () => T {
  let bound: T | undefined;
  return () => (bound ??= bind(loadFfi().dlopen));
}

const adviseCall = lazily((dlopen) => {
  // Other systems number advice differently, and theirs has another meaning.
  if (process.platform !== 'linux') throw new Error(`no madvise of Linux on ${process.platform}`);
  return dlopen(null, {
    madvise: { arguments: ['pointer', 'u64', 'i32'], return: 'i32' },
  }).functions;
});

/**
 * Drops the resident pages from `address`, a multiple of the page size, on. What was written to
 * them is lost: only for mappings that nobody has written to. False when the kernel refuses.
 */
export function dropPages(address: bigint, bytes: bigint): boolean {
  return adviseCall().madvise(address, bytes, MADV_DONTNEED) === 0;
}

/** Apart from madvise: other C libraries than glibc, as musl, have none, and dlopen finds all or fails. */
const mallocCalls = lazily((dlopen) => {
  try {
    return dlopen(null, { malloc_trim: { arguments: ['u64'], return: 'i32' } }).functions;
  } catch {
    return null;
  }
});

/**
 * Gives free memory of all malloc arenas back to the kernel (malloc_trim(3), glibc); false where
 * the C library has no such call.
 */
export function trimMalloc(): boolean {
  const calls = mallocCalls();
  calls?.malloc_trim(0n);
  return calls !== null;
}

const descriptorCalls = lazily(
  (dlopen) => dlopen(null, { dup: { arguments: ['i32'], return: 'i32' } }).functions,
);

/** A new descriptor of the same open file or socket (dup(2)); throws when there is none to be had. */
export function duplicateDescriptor(descriptor: number): number {
  const copy = descriptorCalls().dup(descriptor);
  if (copy === -1) throw new Error(`descriptor ${descriptor} cannot be copied`);
  return copy;
}

/** With where its failures are told: to bind that afterwards would change what it says. */
const writeCalls = lazily((dlopen) => {
  const { write } = dlopen(null, {
    write: { arguments: ['i32', 'u64', 'u32'], return: 'i32' },
  }).functions;
  const { getRawPointer, toArrayBuffer } = loadFfi();
  if (process.platform !== 'linux') return { getRawPointer, write, failure: undefined };
  const { functions } = dlopen(null, { __errno_location: { arguments: [], return: 'pointer' } });
  const cell = toArrayBuffer(functions.__errno_location(), 4, false);
  return { getRawPointer, write, failure: new Int32Array(cell) };
});

/** Where the bytes of buffers that were written lie: they are used again and again, and never move. */
const addresses = new WeakMap<Buffer, bigint>();

function addressOf(bytes: Buffer): bigint {
  const address = writeCalls().getRawPointer(bytes);
  addresses.set(bytes, address);
  return address;
}

/**
 * HOT: per frame. Writes the first `length` of `bytes`, which has memory of its own
 * (Buffer.allocUnsafeSlow) and is used again, to `descriptor` (write(2)). Returns how many were taken,
 * -1 when none could be: `whyNotWritten` tells. Three arguments are the most that the runtime calls
 * without a detour (0.4 us), and an address is quicker to pass than a buffer (0.15 us).
 */
export function writeDescriptor(descriptor: number, bytes: Buffer, length: number): number {
  return writeCalls().write(descriptor, addresses.get(bytes) ?? addressOf(bytes), length);
}

/**
 * Why `writeDescriptor` failed, asked right after it did: the error's number below 0, as libuv has them; 0
 * where nobody knows, or where nothing has but that the kernel takes no more now (EAGAIN).
 */
export function whyNotWritten(): number {
  const number = writeCalls().failure?.[0] ?? 0;
  return number === constants.errno.EAGAIN ? 0 : -number;
}

const socketCalls = lazily((dlopen) => {
  // Other systems number options differently.
  if (process.platform !== 'linux') throw new Error(`no options of Linux on ${process.platform}`);
  return dlopen(null, {
    setsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'u32'], return: 'i32' },
    getsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'], return: 'i32' },
  }).functions;
});

const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const SOL_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;
const option = Buffer.alloc(4);
/** Of IPv4 and of IPv6; the option has the same number in both (linux/netfilter_ipv4.h, _ipv6.h). */
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const address = Buffer.alloc(SOCKADDR_BYTES_MAX);
const addressLength = new Uint32Array(1);
const addressLengthBytes = Buffer.from(addressLength.buffer);

/** Sets an option whose value is a number; false when the kernel refuses. */
function setOption(descriptor: number, level: number, name: number, value: number): boolean {
  option.writeInt32LE(value);
  return socketCalls().setsockopt(descriptor, level, name, option, option.length) === 0;
}

/**
 * Options that every connection accepted from listening socket `descriptor` begins with (tcp(7), Linux):
 * no delay, and keep-alive that asks after `idleS` seconds of silence and then `probes` times, each
 * `everyS` seconds. False when the kernel refuses one.
 */
export function setListenerOptions(
  descriptor: number,
  idleS: number,
  everyS: number,
  probes: number,
): boolean {
  return (
    setOption(descriptor, SOL_TCP, TCP_NODELAY, 1) &&
    setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1) &&
    setOption(descriptor, SOL_TCP, TCP_KEEPIDLE, idleS) &&
    setOption(descriptor, SOL_TCP, TCP_KEEPINTVL, everyS) &&
    setOption(descriptor, SOL_TCP, TCP_KEEPCNT, probes)
  );
}

/**
 * How long bytes may stay unacknowledged before the connection of socket `descriptor` ends
 * (tcp(7), TCP_USER_TIMEOUT, Linux), milliseconds. False when the kernel refuses.
 */
export function setUserTimeout(descriptor: number, ms: number): boolean {
  return setOption(descriptor, SOL_TCP, TCP_USER_TIMEOUT, ms);
}

/**
 * Where the connection of socket `descriptor` was going before the kernel redirected it
 * (SO_ORIGINAL_DST of netfilter, Linux), by the family of its packets: IPv4 also on a socket of both.
 * Undefined where the kernel tracks no such connection. One that nobody redirected may be tracked all
 * the same: the answer is its own end then.
 */
export function originalDestination(descriptor: number, family: 4 | 6): SocketAddress | undefined {
  const level = family === 4 ? SOL_IP : SOL_IPV6;
  addressLength[0] = address.length;
  const { getsockopt } = socketCalls();
  const result = getsockopt(descriptor, level, SO_ORIGINAL_DST, address, addressLengthBytes);
  return result === 0 ? readSocketAddress(address.subarray(0, addressLength[0])) : undefined;
}
