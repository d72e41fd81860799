/** The TCP sockets of the network that this process is in, as Linux tells everybody there. */
import { closeSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';

/** States of a socket that matter here (include/net/tcp_states.h). */
export const TCP_ESTABLISHED = 1;
/** See above. */
export const TCP_LISTEN = 10;

/** One socket. An end is the kernel's own text, "ADDRESS:PORT" in hexadecimal: for comparing. */
export interface TcpSocket {
  readonly local: string;
  readonly remote: string;
  readonly state: number;
  /** The user who opened it; 0 also of a connection that nobody has accepted yet. */
  readonly uid: number;
}

/** More is not read: some 100,000 sockets. */
const TABLE_BYTES_MAX = 16 * 2 ** 20;
const READ_BYTES = 64 * 2 ** 10;
const FILES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** proc(5): slot, both ends, state, queues, timer, retransmissions, user. */
const LINE =
  /^ *\d+: ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+ +(\d+) /gm;
/** IPv4 on a socket of both families: ::ffff:a.b.c.d, as little-endian machines write it. */
const MAPPED = /^0{16}FFFF0000(?=[0-9A-F]{8}:)/;

/** The sockets of both families; undefined where the system does not tell, or they are too many. */
export function tcpSockets(): readonly TcpSocket[] | undefined {
  if (endianness() !== 'LE') return undefined;
  const texts = FILES.map(readTable);
  // A kernel without IPv6 has no such table.
  if (texts[0] === undefined || texts.some((text) => text === 'too large')) return undefined;
  return texts.flatMap((text) => readTcpTable(text ?? ''));
}

/** Sockets of a table's text; ends of IPv4 look the same in both tables. */
export const readTcpTable = (text: string): readonly TcpSocket[] =>
  [...text.matchAll(LINE)].map(([, local = '', remote = '', state = '', uid = '']) => ({
    local: local.replace(MAPPED, ''),
    remote: remote.replace(MAPPED, ''),
    state: Number.parseInt(state, 16),
    uid: Number(uid),
  }));

/** The port of an end. */
export const portOf = (end: string): number => Number.parseInt(end.slice(-4), 16);

/** The system does not say beforehand how large it is. */
function readTable(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const parts: string[] = [];
    const buffer = Buffer.alloc(READ_BYTES);
    for (let total = 0; total <= TABLE_BYTES_MAX;) {
      const bytes = readSync(descriptor, buffer, 0, READ_BYTES, null);
      if (bytes === 0) return parts.join('');
      parts.push(buffer.toString('latin1', 0, bytes));
      total += bytes;
    }
    return 'too large';
  } finally {
    closeSync(descriptor);
  }
}
