/**
 * The system calls of the generator, straight from the C library (`node:ffi`), Linux only. Node's
 * own sockets and timers cannot send at a time more exact than a millisecond without spinning, and
 * a spinning generator starves the backend that shares its core. Bench only: nothing that serves
 * imports this.
 *
 * Calls return what the C functions return: -1 for a failure, then `errno()` says which one, until
 * the next call. Three arguments are the most that the runtime calls without a slow path (0.2 us
 * against 0.6 us), so bytes go through `read` and `write`, not `recv` and `send`.
 */
import { constants } from 'node:os';
import { dlopen, getRawPointer, toArrayBuffer } from 'node:ffi';

/** Bytes outside the heap, where the kernel may read and write: they never move. */
export interface NativeBytes {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly pointer: bigint;
}

/** `length` bytes of zeros. */
export function allocateNative(length: number): NativeBytes {
  // An ArrayBuffer of its own is never on the heap; a small Buffer may be.
  const bytes = Buffer.from(new ArrayBuffer(length));
  return { bytes, pointer: getRawPointer(bytes) };
}

const { functions } = dlopen(null, {
  __errno_location: { arguments: [], return: 'pointer' },
  accept4: { arguments: ['i32', 'pointer', 'pointer', 'i32'], return: 'i32' },
  bind: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  clock_gettime: { arguments: ['i32', 'pointer'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  connect: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  epoll_create1: { arguments: ['i32'], return: 'i32' },
  epoll_ctl: { arguments: ['i32', 'i32', 'i32', 'pointer'], return: 'i32' },
  epoll_pwait2: { arguments: ['i32', 'pointer', 'i32', 'pointer', 'pointer'], return: 'i32' },
  getsockname: { arguments: ['i32', 'pointer', 'pointer'], return: 'i32' },
  listen: { arguments: ['i32', 'i32'], return: 'i32' },
  prctl: { arguments: ['i32', 'i32', 'i32', 'i32', 'i32'], return: 'i32' },
  read: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  sched_setscheduler: { arguments: ['i32', 'i32', 'pointer'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  write: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
});

/** The functions this program calls. */
export const {
  bind,
  close,
  connect,
  epoll_create1,
  epoll_ctl,
  epoll_pwait2,
  getsockname,
  listen,
  read,
  socket,
  write,
} = functions;

const errnoCell = new Int32Array(toArrayBuffer(functions.__errno_location(), 4, false));

/** Number of the last call's failure; only valid right after it. */
export const errno = (): number => errnoCell[0] ?? 0;

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
/** As "ECONNREFUSED". */
export const errnoName = (number: number): string => names.get(number) ?? `errno ${number}`;

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** Type of every socket here. */
export const SOCKET_TYPE = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

/** The next connection of a listening socket, which does not block; -1 when there is none. */
export const accept = (fd: number): number =>
  functions.accept4(fd, 0n, 0n, SOCK_NONBLOCK | SOCK_CLOEXEC);

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const one = allocateNative(4);
one.bytes.writeInt32LE(1);

/** A body's last, small segment must not wait for an acknowledgement. */
export const setNoDelay = (fd: number): number =>
  functions.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, one.pointer, 4);

const PR_SET_PDEATHSIG = 1;
const PR_SET_TIMERSLACK = 29;
const SIGKILL = 9;

/** Waits end when they should: the default lets the kernel be 50 us late. */
export const setTimerSlackNs = (ns: number): number =>
  functions.prctl(PR_SET_TIMERSLACK, ns, 0, 0, 0);

/** The kernel kills this process when the thread that started it ends. */
export const dieWithParent = (): number => functions.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const priority = allocateNative(4);

/**
 * Whether this thread is run before all that are not real-time, its core's backend too, as soon as
 * it wakes: false where that needs a right we lack (root, or CAP_SYS_NICE). It must sleep often.
 */
export function setRealTime(on: boolean): boolean {
  priority.bytes.writeInt32LE(on ? 1 : 0);
  const policy = on ? SCHED_FIFO : SCHED_OTHER;
  return functions.sched_setscheduler(0, policy, priority.pointer) === 0 && on;
}

const timespec = allocateNative(16);
const CPUCLOCK_SCHED = 2;

/** CPU time of all threads of `pid` so far, those that ended too; undefined when it is gone. */
export function processCpuUs(pid: number): number | undefined {
  // The clock's number is made as clock_getcpuclockid(3) of the C library makes it.
  const clock = (~pid << 3) | CPUCLOCK_SCHED;
  if (functions.clock_gettime(clock, timespec.pointer) !== 0) return undefined;
  const seconds = Number(timespec.bytes.readBigInt64LE(0));
  return seconds * 1e6 + Number(timespec.bytes.readBigInt64LE(8)) / 1e3;
}
