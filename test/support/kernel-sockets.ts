/** What Linux knows of sockets and processes, from /proc. */
import { readFileSync, readdirSync } from 'node:fs';

const LISTEN = '0A';

interface Connection {
  readonly localPort: number;
  readonly remotePort: number;
  readonly listens: boolean;
  readonly queuedBytes: number;
}

const hex = (digits: string): number => Number.parseInt(digits, 16);

/** Every IPv4 socket of this machine. Source: proc(5), `/proc/net/tcp`. */
function readConnections(): Connection[] {
  const rows = readFileSync('/proc/net/tcp', 'utf8').trimEnd().split('\n').slice(1);
  return rows.map((row) => {
    const [, local = '', remote = '', state, queues = ''] = row.trim().split(/\s+/);
    const [send = '', receive = ''] = queues.split(':');
    return {
      localPort: hex(local.split(':')[1]!),
      remotePort: hex(remote.split(':')[1]!),
      listens: state === LISTEN,
      queuedBytes: hex(send) + hex(receive),
    };
  });
}

/** Sum of the send and receive queues (bytes) of the connections with one of `ports` on a side. */
export function queuedBytes(ports: readonly number[]): number {
  return readConnections()
    .filter(({ listens }) => !listens)
    .filter(({ localPort, remotePort }) => ports.includes(localPort) || ports.includes(remotePort))
    .reduce((sum, connection) => sum + connection.queuedBytes, 0);
}

/** Some socket of this machine listens on `port`; asks without connecting to it. */
export const listens = (port: number): boolean =>
  readConnections().some((socket) => socket.listens && socket.localPort === port);

const TIMER_KEEP_ALIVE = '02';

/**
 * Milliseconds until keep-alive asks after the peer of the IPv4 connection from `local` to `remote`
 * ("address:port"); undefined when no such timer is set.
 */
export function keepAliveMs(local: string, remote: string): number | undefined {
  const row = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, from = '', to = '']) => {
      const [near, far] = [from, to].map((address) => hex(address.split(':')[1] ?? ''));
      return near === portIn(local) && far === portIn(remote);
    });
  const [timer, ticks = ''] = (row?.[5] ?? '').split(':');
  return timer === TIMER_KEEP_ALIVE ? hex(ticks) * 10 : undefined;
}

const portIn = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

/** Resident memory of a process, bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) * 1024;
}

/** Open descriptors of a process. */
export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** The descriptor that a process would open next: a limit of so many leaves it none. */
export function nextDescriptorOf(pid: number): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let next = 0;
  while (open.has(next)) next++;
  return next;
}

/** CPU time that all threads of a process have used, milliseconds, in steps of 10. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Fields 14 and 15 (proc(5)), counted behind the name, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
