import assert from 'node:assert/strict';
import { it } from 'node:test';
import { LIBERAL_FILE } from '../../k8s/init/connection-tracking.ts';
import { BACKENDS } from '../../k8s/init/nat-table.ts';
import { NetworkNamespace, withoutBackend, withoutTables } from '../support/network-namespace.ts';
import { EMPTY_TABLE, runInit, savedTables } from '../support/proxy-init.ts';
import type { InitEnd } from '../support/proxy-init.ts';

async function init(namespace: NetworkNamespace, ...args: readonly string[]): Promise<InitEnd> {
  const ended = await runInit(namespace, args);
  assert.equal(ended.code, 0, ended.stderr);
  return ended;
}

/** Rules of somebody else, beside ours. */
async function addForeignRules(namespace: NetworkNamespace, backend: string): Promise<void> {
  const add = (...rule: readonly string[]): Promise<string> =>
    namespace.execute(`iptables-${backend}`, '-t', 'nat', ...rule);
  await add('-N', 'THEIRS');
  await add('-A', 'PREROUTING', '-p', 'udp', '-j', 'THEIRS');
  await add('-A', 'POSTROUTING', '-s', '10.0.0.0/8', '-j', 'RETURN');
}

const ownRules = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith('-A CULVERT'));

for (const backend of BACKENDS) {
  const skip = withoutBackend(backend);
  const flags = ['--backend', backend, '--ipv6', 'on', '--skip-outbound-ports', '25,587-590'];

  it(`Real tables: applied twice is applied once (${backend})`, { skip }, async () => {
    await using namespace = await NetworkNamespace.create();
    await addForeignRules(namespace, backend);
    await init(namespace, ...flags);
    const once = await savedTables(namespace);
    const { stdout } = await init(namespace, ...flags, '-o', 'json');
    assert.equal((JSON.parse(stdout) as { readonly changed: boolean }).changed, false);
    assert.equal(await savedTables(namespace), once);
    await init(namespace, ...flags, '--check');
    const { code } = await runInit(namespace, ['--check', '--ipv6', 'on']);
    assert.equal(code, 2, 'other settings');
  });

  it(
    `Real tables: removal leaves those of others as they were (${backend})`,
    { skip },
    async () => {
      await using namespace = await NetworkNamespace.create();
      await addForeignRules(namespace, backend);
      // A legacy table that was looked at once is there for good.
      await namespace.execute(`ip6tables-${backend}`, '-t', 'nat', '-S');
      const before = await savedTables(namespace);
      await init(namespace, ...flags);
      assert.notEqual(await savedTables(namespace), before);
      await init(namespace, ...flags, '--inbound-port', '5143');
      await init(namespace, '--remove');
      // Without the nft tool an empty table would stay.
      if (backend === 'legacy' || withoutTables('nft') === false) {
        assert.equal(await savedTables(namespace), before);
      }
      assert.equal((await runInit(namespace, ['--check'])).code, 2);
    },
  );
}

it(
  'Real tables: in an untouched namespace nothing stays (nft)',
  { skip: withoutBackend('nft', 'nft') },
  async () => {
    await using namespace = await NetworkNamespace.create();
    const before = await savedTables(namespace);
    await init(namespace, '--backend', 'nft', '--ipv6', 'on');
    assert.equal((await init(namespace, '--remove')).stderr, '');
    assert.equal(await savedTables(namespace), before);
    assert.equal(await namespace.execute('nft', 'list', 'ruleset'), '');
  },
);

it(
  'Real tables: in an untouched namespace an empty table stays, and nothing else (legacy)',
  { skip: withoutBackend('legacy') },
  async () => {
    await using namespace = await NetworkNamespace.create();
    const before = await savedTables(namespace);
    await init(namespace, '--backend', 'legacy', '--ipv6', 'on');
    await init(namespace, '--remove');
    const after = await savedTables(namespace);
    assert.equal(after.replaceAll(EMPTY_TABLE, ''), before);
    assert.equal(after.split(EMPTY_TABLE).length, 3, 'of both families');
  },
);

it('Real tables: the kernel is liberal behind the rules', { skip: withoutTables() }, async () => {
  await using namespace = await NetworkNamespace.create();
  const setting = async (): Promise<string> =>
    (await namespace.execute('cat', LIBERAL_FILE)).trim();
  assert.equal(await setting(), '0');
  await init(namespace, '--ipv6', 'off');
  assert.equal(await setting(), '1');
});

it(
  'Real tables: what is simulated is what is saved',
  { skip: withoutBackend('legacy') },
  async () => {
    await using namespace = await NetworkNamespace.create();
    const { stdout } = await init(namespace, '--simulate', '--ipv6', 'off');
    await init(namespace, '--ipv6', 'off', '--backend', 'legacy');
    const text = await namespace.execute('iptables-legacy-save', '-t', 'nat');
    assert.ok(ownRules(stdout).length > 0);
    assert.deepEqual(ownRules(text), ownRules(stdout));
  },
);

it(
  'Real tables: without the capability nothing changes, and the sentence says why',
  {
    skip: withoutTables('setpriv'),
  },
  async () => {
    await using namespace = await NetworkNamespace.create();
    const before = await savedTables(namespace);
    const prefix = ['setpriv', '--bounding-set=-all'];
    const { code, stderr } = await runInit(namespace, [], { prefix });
    assert.equal(code, 1);
    assert.match(stderr, /needs root, or CAP_NET_ADMIN.*The tables are as they were\.\n$/);
    assert.equal(await savedTables(namespace), before);
  },
);
