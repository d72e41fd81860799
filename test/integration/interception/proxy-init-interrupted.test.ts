import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { findSystemProgram } from '../../../k8s/init/runner.ts';
import { NetworkNamespace, withoutTables } from '../../support/network-namespace.ts';
import { runInit, savedTables } from '../../support/proxy-init.ts';
import type { InitEnd } from '../../support/proxy-init.ts';

const skip = withoutTables('nft');
const FLAGS = ['--backend', 'nft', '--ipv6', 'on'];
/** More programs than one run uses. */
const STEPS_MAX = 40;
const SIGTERM_EXIT = 143;

/**
 * A directory with programs of the names of iptables' own. Each counts its runs; the one whose number is
 * in STRIKE_AT sends STRIKE_WITH to whoever runs it, before or after it does its work.
 */
async function strikingPrograms(directory: string): Promise<void> {
  const names = ['iptables', 'ip6tables'].flatMap((name) =>
    ['nft', 'legacy'].flatMap((backend) =>
      ['save', 'restore'].map((what) => `${name}-${backend}-${what}`),
    ),
  );
  for (const name of names) {
    const file = path.join(directory, name);
    const script = `#!/bin/sh
echo >>"$STRIKE_COUNT"
strike() {
  [ "$1" = "$STRIKE_WHEN" ] && [ "$(wc -l <"$STRIKE_COUNT")" -eq "$STRIKE_AT" ] &&
    kill "-$STRIKE_WITH" "$PPID"
}
# Killed, it would otherwise go on behind the test's back.
strike before && [ "$STRIKE_WITH" = KILL ] && exit 1
${findSystemProgram(name) ?? 'false'} "$@"
code=$?
strike after
exit $code
`;
    await writeFile(file, script);
    await chmod(file, 0o755);
  }
}

interface Strike {
  readonly at: number;
  readonly signal: 'KILL' | 'TERM';
  readonly when: 'before' | 'after';
}

/** Programs that strike, in a directory that is gone after the test. */
class Striking implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async create(): Promise<Striking> {
    const directory = await mkdtemp(path.join(tmpdir(), 'culvert-strike-'));
    await strikingPrograms(directory);
    return new Striking(directory);
  }

  async run(
    namespace: NetworkNamespace,
    args: readonly string[],
    { at, signal, when }: Strike,
  ): Promise<InitEnd> {
    const count = path.join(this.#directory, 'count');
    await writeFile(count, '');
    return runInit(namespace, args, {
      env: {
        PATH: `${this.#directory}:${process.env['PATH'] ?? ''}`,
        STRIKE_COUNT: count,
        STRIKE_AT: String(at),
        STRIKE_WITH: signal,
        STRIKE_WHEN: when,
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true });
  }
}

/** What one family's table says of ours: all, nothing, or the text that is neither. */
async function familyState(namespace: NetworkNamespace, program: string): Promise<string> {
  const text = await namespace.execute(`${program}-nft-save`);
  const rules = text
    .split('\n')
    .filter((line) => line.includes('CULVERT') && !line.startsWith(':'));
  if (rules.length === 0) return 'nothing';
  const whole = [
    /-A PREROUTING .*-j CULVERT_INBOUND/,
    /-A OUTPUT .*-j CULVERT_OUTBOUND/,
    /-A CULVERT_INBOUND .*--to-ports 4143/,
    /-A CULVERT_OUTBOUND .*--to-ports 4140/,
  ].every((pattern) => rules.some((rule) => pattern.test(rule)));
  return whole ? 'all' : rules.join('\n');
}

for (const when of ['before', 'after'] as const) {
  it(
    `Killed ${when} any step, a family has all rules or none, and a second run completes it`,
    {
      skip,
      timeout: 300_000,
    },
    async () => {
      await using striking = await Striking.create();
      for (let at = 1; ; at++) {
        assert.ok(at < STEPS_MAX);
        await using namespace = await NetworkNamespace.create();
        const untouched = await savedTables(namespace);
        const { code } = await striking.run(namespace, FLAGS, { at, signal: 'KILL', when });
        for (const program of ['iptables', 'ip6tables']) {
          const state = await familyState(namespace, program);
          assert.ok(['all', 'nothing'].includes(state), `step ${at}: ${program}: ${state}`);
        }
        const again = await runInit(namespace, FLAGS);
        assert.equal(again.code, 0, again.stderr);
        assert.equal((await runInit(namespace, [...FLAGS, '--check'])).code, 0);
        assert.equal((await runInit(namespace, ['--remove'])).code, 0);
        assert.equal(await savedTables(namespace), untouched, `step ${at}`);
        // It ran to its end: there was no such step.
        if (code === 0) break;
      }
    },
  );

  it(
    `Asked to end ${when} any step, the tables are as they were`,
    {
      skip,
      timeout: 300_000,
    },
    async () => {
      await using striking = await Striking.create();
      for (let at = 1; ; at++) {
        assert.ok(at < STEPS_MAX);
        await using namespace = await NetworkNamespace.create();
        const untouched = await savedTables(namespace);
        const { code, stderr } = await striking.run(namespace, FLAGS, { at, signal: 'TERM', when });
        // Asked after its last change was verified, it is done: the signal comes too late.
        if (code === 0) {
          assert.equal(await familyState(namespace, 'ip6tables'), 'all');
          break;
        }
        assert.equal(code, SIGTERM_EXIT, stderr);
        assert.equal(await savedTables(namespace), untouched, `step ${at}`);
      }
    },
  );
}
