import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { applyRules } from '../../k8s/init/apply-rules.ts';
import { checkRules } from '../../k8s/init/check-rules.ts';
import { InitFailure } from '../../k8s/init/failure.ts';
import { readInitFlags } from '../../k8s/init/flags.ts';
import { BACKENDS } from '../../k8s/init/nat-table.ts';
import type { Backend } from '../../k8s/init/nat-table.ts';
import { removeRules } from '../../k8s/init/remove-rules.ts';
import { findSystemProgram } from '../../k8s/init/runner.ts';
import { NetworkNamespace, withoutBackend } from '../support/network-namespace.ts';
import { EMPTY_TABLE, runInit, savedTables } from '../support/proxy-init.ts';
import type { InitEnd } from '../support/proxy-init.ts';

/** Several runs for each step: longer than other tests may take. */
const TIMEOUT_MS = 300_000;
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
async function familyState(
  namespace: NetworkNamespace,
  name: string,
  backend: Backend,
): Promise<string> {
  const text = await namespace.execute(`${name}-${backend}-save`);
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

/** A namespace whose tables are as proxy-init may leave them at best. */
async function untouched(backend: Backend): Promise<NetworkNamespace> {
  const namespace = await NetworkNamespace.create();
  if (backend === 'nft') return namespace;
  // A legacy table that was looked at once is there for good.
  for (const name of ['iptables', 'ip6tables']) {
    await namespace.execute(`${name}-legacy`, '-t', 'nat', '-S');
  }
  return namespace;
}

/** What a second run does, without a process of its own. */
function inProcess(backend: Backend): {
  readonly apply: (namespace: NetworkNamespace) => Promise<void>;
  readonly remove: (namespace: NetworkNamespace) => Promise<void>;
} {
  const request = { options: readInitFlags([], {}).flags, backend, ipv6: 'on' } as const;
  const { signal } = new AbortController();
  return {
    apply: async ({ runner }) => {
      const applied = await applyRules(request, runner, signal);
      if (applied instanceof InitFailure) assert.fail(applied.sentence);
      assert.deepEqual((await checkRules(request, runner)).problems, []);
    },
    remove: async ({ runner }) => {
      const removed = await removeRules('auto', runner, signal);
      if (removed instanceof InitFailure) assert.fail(removed.sentence);
      assert.deepEqual(removed.warnings, []);
    },
  };
}

const CASES = BACKENDS.flatMap((backend) =>
  (['before', 'after'] as const).map((when) => ({ backend, when })),
);

for (const { backend, when } of CASES) {
  const flags = ['--backend', backend, '--ipv6', 'on'];
  const programs = backend === 'nft' ? (['nft'] as const) : [];
  const options = { skip: withoutBackend(backend, ...programs), timeout: TIMEOUT_MS };
  const again = inProcess(backend);

  it(
    `Killed ${when} any step, a family has all rules or none, and a second run completes it (${backend})`,
    options,
    async () => {
      await using striking = await Striking.create();
      for (let at = 1; ; at++) {
        assert.ok(at < STEPS_MAX);
        await using namespace = await untouched(backend);
        const before = await savedTables(namespace);
        const { code } = await striking.run(namespace, flags, { at, signal: 'KILL', when });
        for (const name of ['iptables', 'ip6tables']) {
          const state = await familyState(namespace, name, backend);
          assert.ok(['all', 'nothing'].includes(state), `step ${at}: ${name}: ${state}`);
        }
        await again.apply(namespace);
        await again.remove(namespace);
        assert.equal(await savedTables(namespace), before, `step ${at}`);
        // It ran to its end: there was no such step.
        if (code === 0) break;
      }
    },
  );

  it(
    `Asked to end ${when} any step, the tables are as they were (${backend})`,
    options,
    async () => {
      await using striking = await Striking.create();
      for (let at = 1; ; at++) {
        assert.ok(at < STEPS_MAX);
        await using namespace = await untouched(backend);
        const before = await savedTables(namespace);
        const { code, stderr } = await striking.run(namespace, flags, { at, signal: 'TERM', when });
        // Asked after its last change was verified, it is done: the signal comes too late.
        if (code === 0) {
          assert.equal(await familyState(namespace, 'ip6tables', backend), 'all');
          break;
        }
        assert.equal(code, SIGTERM_EXIT, stderr);
        assert.equal(await savedTables(namespace), before, `step ${at}`);
      }
    },
  );

  it(
    `Removal that is killed ${when} any step leaves a family all rules or none, and is completed by another (${backend})`,
    options,
    async () => {
      await using striking = await Striking.create();
      for (let at = 1; ; at++) {
        assert.ok(at < STEPS_MAX);
        await using namespace = await untouched(backend);
        const before = await savedTables(namespace);
        await again.apply(namespace);
        const { code } = await striking.run(namespace, ['--remove'], { at, signal: 'KILL', when });
        for (const name of ['iptables', 'ip6tables']) {
          const state = await familyState(namespace, name, backend);
          assert.ok(['all', 'nothing'].includes(state), `step ${at}: ${name}: ${state}`);
        }
        await again.remove(namespace);
        // Killed between the rules and the table that was made for them, it leaves the table.
        const after = (await savedTables(namespace)).replaceAll(EMPTY_TABLE, '');
        assert.equal(after, before.replaceAll(EMPTY_TABLE, ''), `step ${at}`);
        if (code === 0) break;
      }
    },
  );
}
