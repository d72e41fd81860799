/**
 * System calls of processes, counted by strace. It slows them down many times over: what runs
 * meanwhile is for counting, not for timing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeEnd } from '../peers/last-acts.ts';
import { findProgram } from '../peers/program.ts';
import { Scratch } from '../peers/scratch.ts';

const ATTACH_MS = 5_000;
const DETACH_MS = 5_000;
const POLL_MS = 5;

/** Calls by name, as "read". */
export type SystemCalls = ReadonlyMap<string, number>;

/**
 * One sentence: why system calls cannot be counted; undefined when they can be tried. Tracing a
 * process that strace did not start is for root alone where Yama restricts it (ptrace(2)).
 */
export function missingTrace(): string | undefined {
  if (findProgram('strace') === undefined)
    return 'strace is not installed: apt-get install strace.';
  if (process.getuid?.() === 0 || yamaScope() === 0) return undefined;
  return 'only root may trace here: run as root, or set kernel.yama.ptrace_scope to 0.';
}

/** 0 where there is no Yama. */
function yamaScope(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8'));
  } catch {
    return 0;
  }
}

/** Calls of all names. */
export const callsOf = (calls: SystemCalls): number =>
  calls.values().reduce((sum, count) => sum + count, 0);

/**
 * Reads the table that `strace -c` writes:
 *
 *     % time     seconds  usecs/call     calls    errors syscall
 *     ------ ----------- ----------- --------- --------- ----------------
 *      52.12    0.001230           4       300         2 read
 */
export function parseSummary(text: string): SystemCalls {
  const rows = text.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+([a-z_]\w*)$/gm);
  const calls = new Map<string, number>();
  for (const [, count, name] of rows) {
    if (name !== undefined && name !== 'total') {
      calls.set(name, (calls.get(name) ?? 0) + Number(count));
    }
  }
  return calls;
}

/** A running count. Attach it before the first request and detach it after the last answer. */
export class SystemCallTrace {
  readonly #child: ChildProcess;
  readonly #scratch: Scratch;
  readonly #forget: () => void;
  #stderr = '';
  #ended = false;

  private constructor(strace: string, scratch: Scratch, pids: readonly number[]) {
    this.#scratch = scratch;
    const targets = pids.flatMap((pid) => ['-p', String(pid)]);
    const args = ['-c', '-f', '-o', summaryIn(scratch), ...targets];
    this.#child = spawn(strace, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#child.once('error', (error) => (this.#stderr += error.message));
    this.#child.once('close', () => (this.#ended = true));
    // Killed, it lets go of what it traces: the kernel sees to that.
    this.#forget = beforeEnd(() => this.#child.kill('SIGKILL'));
  }

  /**
   * Counts from when this resolves. Rejects with what strace wrote when it may not trace one of
   * `pids`.
   */
  static async attach(pids: readonly number[]): Promise<SystemCallTrace> {
    const strace = findProgram('strace');
    if (strace === undefined) throw new Error(missingTrace());
    const trace = new SystemCallTrace(strace, new Scratch('strace'), pids);
    const endMs = performance.now() + ATTACH_MS;
    while (!trace.#isAttached(pids)) {
      if (trace.#ended || performance.now() > endMs) {
        await trace.#end();
        throw new Error(`strace did not attach to ${pids.join(', ')}: ${trace.#stderr.trim()}`);
      }
      await pause(POLL_MS);
    }
    return trace;
  }

  /** Ends counting; the processes run on as before. */
  async detach(): Promise<SystemCalls> {
    this.#child.kill('SIGINT');
    const endMs = performance.now() + DETACH_MS;
    while (!this.#ended && performance.now() < endMs) await pause(POLL_MS);
    try {
      return parseSummary(readFileSync(summaryIn(this.#scratch), 'utf8'));
    } finally {
      await this.#end();
    }
  }

  /** "strace: Process 123 attached", or "... attached with 8 threads", for each process. */
  #isAttached(pids: readonly number[]): boolean {
    return pids.every((pid) => new RegExp(`Process ${pid} attached`).test(this.#stderr));
  }

  async #end(): Promise<void> {
    this.#child.kill('SIGKILL');
    while (!this.#ended) await pause(POLL_MS);
    this.#forget();
    this.#scratch.remove();
  }
}

const summaryIn = (scratch: Scratch): string => `${scratch.directory}/summary`;
