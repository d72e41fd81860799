/** Whether a program of a pod listens, without a connection: that would reach its sidecar. */
import { readFile, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { RUN_NETNS } from './names.ts';

const LISTEN = '0A';
/** 127.0.0.0/8, the same as an IPv6 address, and ::1, as little-endian machines write them. */
const LOOPBACK = /^(0{16}FFFF0000)?[0-9A-F]{6}7F$|^0{24}01000000$/;

/**
 * Whether `pid` is in the network namespace of that name, and all of `ports` are listened on there,
 * not at loopback alone.
 */
export async function listensAt(
  pid: number,
  networkNamespace: string,
  ports: readonly number[],
): Promise<boolean> {
  try {
    // Before it becomes its program it is a shell of the machine's: whose ports those are not.
    const { ino } = await stat(path.join(RUN_NETNS, networkNamespace));
    if ((await readlink(`/proc/${pid}/ns/net`)) !== `net:[${ino}]`) return false;
    const tables = ['tcp', 'tcp6'].map((name) => readTable(`/proc/${pid}/net/${name}`));
    const listening = new Set((await Promise.all(tables)).flatMap(listeningPorts));
    return ports.every((port) => listening.has(port));
  } catch {
    // The process or the namespace is gone.
    return false;
  }
}

/** A kernel without IPv6 has no such table. */
const readTable = (file: string): Promise<string> => readFile(file, 'latin1').catch(() => '');

/**
 * The ports that are listened on, but for loopback alone: sidecars dial the pod's own address. `table`
 * is as the kernel writes /proc/net/tcp (proc(5)): after a heading, lines of `slot: ADDRESS:PORT
 * ADDRESS:PORT STATE …` in hexadecimal.
 */
export function listeningPorts(table: string): readonly number[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', portText = ''] = local.split(':');
    const port = Number.parseInt(portText, 16);
    const reachable = state === LISTEN && !LOOPBACK.test(address);
    return reachable && Number.isInteger(port) ? [port] : [];
  });
}
