import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { eventually } from '../../test/support/deadline.ts';
import { FilesSource } from './files.ts';
import { formatProblem } from './source.ts';
import type { Snapshot } from './source.ts';

const service = (name: string, port: number | string): string =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  ports:\n    - port: ${port}\n`;

/** An hour: what a test sees came from a watch. */
const NO_POLL_MS = 3_600_000;

interface Harness {
  readonly directory: string;
  readonly file: (name: string) => string;
  readonly snapshots: Snapshot[];
  /** Waits until the latest snapshot reads so: "a:80 b:81", problems after "!". */
  readonly sees: (expected: string) => Promise<void>;
}

async function watching(
  t: TestContext,
  options: {
    readonly roots?: readonly string[];
    readonly pollMs?: number;
    readonly before?: (file: Harness['file']) => Promise<void>;
  } = {},
): Promise<Harness> {
  const top = await mkdtemp(path.join(tmpdir(), 'culvert-files-'));
  t.after(() => rm(top, { recursive: true, force: true }));
  const directory = path.join(top, 'mesh');
  await mkdir(directory);
  const file = (name: string): string => path.join(directory, name);
  await options.before?.(file);
  const source = new FilesSource({
    paths: (options.roots ?? ['.']).map((root) => path.join(directory, root)),
    now: Date.now,
    settleMs: 10,
    pollMs: options.pollMs ?? NO_POLL_MS,
  });
  t.after(() => source.stop());
  const snapshots: Snapshot[] = [];
  await source.start((snapshot) => snapshots.push(snapshot));
  const show = (): string => describe(snapshots.at(-1), directory);
  return {
    directory,
    file,
    snapshots,
    sees: async (expected) => {
      await eventually(
        () => `"${expected}", last "${show()}"`,
        () => show() === expected,
      );
    },
  };
}

function describe(snapshot: Snapshot | undefined, directory: string): string {
  const services = (snapshot?.resources ?? []).map((resource) =>
    resource.kind === 'Service' ? `${resource.name}:${resource.ports[0]?.port}` : resource.name,
  );
  const problems = (snapshot?.problems ?? []).map((problem) =>
    formatProblem(problem).replaceAll(`${directory}/`, ''),
  );
  return [...services.toSorted(), ...problems.map((problem) => `! ${problem}`)].join(' ');
}

test('FilesSource hands over a directory, file by file, and leaves other files alone', async (t) => {
  const { sees, snapshots } = await watching(t, {
    before: async (file) => {
      await mkdir(file('deep'));
      await writeFile(file('a.yaml'), service('a', 80));
      await writeFile(file('deep/b.yml'), service('b', 81));
      await writeFile(file('.c.yaml'), service('c', 82));
      await writeFile(file('README.md'), 'not: [yaml');
    },
  });
  assert.equal(snapshots.length, 1, 'the first snapshot is there once start resolves');
  await sees('a:80 b:81');
  assert.equal(snapshots[0]?.inputs, 2);
});

test('FilesSource sees an edit to something invalid and back', async (t) => {
  const { file, sees } = await watching(t, {
    before: (file) => writeFile(file('a.yaml'), `${service('a', 80)}---\n${service('b', 80)}`),
  });
  await sees('a:80 b:80');
  await writeFile(file('a.yaml'), `${service('a', 'x')}---\n${service('b', 81)}`);
  await sees(
    'a:80 b:81 ! a.yaml:7: Service default/a: spec.ports[0].port: must be an integer 1 to 65535, is "x"; the last good version stays in force',
  );
  await writeFile(file('a.yaml'), `${service('a', 82)}---\n${service('b', 81)}`);
  await sees('a:82 b:81');
});

test('FilesSource sees files come, go, and be replaced by a rename', async (t) => {
  const { file, sees } = await watching(t);
  await sees('');
  await writeFile(file('.a.tmp'), service('a', 80));
  await rename(file('.a.tmp'), file('a.yaml'));
  await sees('a:80');
  await writeFile(file('.a.tmp'), service('a', 81));
  await rename(file('.a.tmp'), file('a.yaml'));
  await sees('a:81');
  await mkdir(file('deep'));
  await sees('a:81');
  await writeFile(
    file('deep/b.json'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'b' },
      spec: { ports: [{ port: 1 }] },
    }),
  );
  await sees('a:81 b:1');
  await rm(file('a.yaml'));
  await sees('b:1');
});

test('FilesSource sees a whole directory replaced, and keeps its resources in between', async (t) => {
  const { directory, file, sees } = await watching(t, {
    before: (file) => writeFile(file('a.yaml'), service('a', 80)),
  });
  await rename(directory, `${directory}-old`);
  await sees(`a:80 ! ${directory}: no such file or directory; what it held before stays in force`);
  await mkdir(`${directory}-new`);
  await writeFile(`${directory}-new/b.yaml`, service('b', 80));
  await rename(`${directory}-new`, directory);
  await sees('b:80');
  await writeFile(file('c.yaml'), service('c', 80));
  await sees('b:80 c:80');
});

/** Runs `check` while `directory` cannot be listed, not even by root, who is nobody meanwhile. */
async function whileLocked(directory: string, check: () => Promise<void>): Promise<void> {
  const root = process.geteuid?.() === 0;
  await chmod(directory, 0o000);
  if (root) process.seteuid?.(65_534);
  try {
    await check();
  } finally {
    if (root) process.seteuid?.(0);
    await chmod(directory, 0o755);
  }
}

test('FilesSource keeps what is below a directory that cannot be read, and says so', async (t) => {
  const { directory, file, sees } = await watching(t, {
    pollMs: 20,
    before: async (file) => {
      await mkdir(file('b'));
      await writeFile(file('a.yaml'), service('a', 80));
      await writeFile(file('b/b.yaml'), service('b', 80));
      await writeFile(file('b.yaml'), `${service('b', 81)}---\n${service('c', 80)}`);
    },
  });
  const twice = '! b/b.yaml: Service default/b: given twice, the one in b.yaml counts';
  await sees(`a:80 b:81 c:80 ${twice}`);
  const unread = '! b: cannot be read (EACCES); what it held before stays in force';
  await chmod(path.dirname(directory), 0o755);
  await whileLocked(file('b'), () => sees(`a:80 b:81 c:80 ${unread} ${twice}`));
  await rm(file('b.yaml'));
  await sees('a:80 b:80');
});

test('FilesSource keeps what a file held whose link goes in circles, until it is gone', async (t) => {
  const { file, sees } = await watching(t, {
    before: (file) => writeFile(file('a.yaml'), service('a', 80)),
  });
  await sees('a:80');
  await symlink('a.yaml', file('.a.tmp'));
  await rename(file('.a.tmp'), file('a.yaml'));
  await sees('a:80 ! a.yaml: cannot be read (ELOOP); what it held before stays in force');
  await rm(file('a.yaml'));
  await sees('');
});

test('FilesSource says where it stops: below 16 directories', async (t) => {
  const deep = Array(17).fill('d').join('/');
  const { sees } = await watching(t, {
    before: async (file) => {
      await mkdir(file(deep), { recursive: true });
      await writeFile(file('d/a.yaml'), service('a', 80));
      await writeFile(file(`${deep}/b.yaml`), service('b', 80));
    },
  });
  const why = 'cannot be read (below 16 directories); what it held before stays in force';
  await sees(`a:80 ! ${deep}: ${why}`);
});

test('FilesSource keeps what a file held that was cut to nothing, until it is deleted', async (t) => {
  const { file, sees } = await watching(t, {
    before: (file) => writeFile(file('a.yaml'), service('a', 80)),
  });
  await writeFile(file('a.yaml'), '');
  await sees(
    'a:80 ! a.yaml:1: holds no document: delete the file to remove what it held; the last good version stays in force',
  );
  await rm(file('a.yaml'));
  await sees('');
});

test('FilesSource sees a single file appear after the start', async (t) => {
  const { file, sees } = await watching(t, { roots: ['only.yaml'] });
  await sees('! only.yaml: no such file or directory; what it held before stays in force');
  await writeFile(file('only.yaml'), service('a', 80));
  await sees('a:80');
});

test('FilesSource polls for what no watch shows', async (t) => {
  const elsewhere = await mkdtemp(path.join(tmpdir(), 'culvert-elsewhere-'));
  t.after(() => rm(elsewhere, { recursive: true, force: true }));
  const target = path.join(elsewhere, 'target');
  await writeFile(target, service('a', 80));
  const { sees } = await watching(t, {
    pollMs: 20,
    before: (file) => symlink(target, file('a.yaml')),
  });
  await sees('a:80');
  await writeFile(target, service('a', 81));
  await sees('a:81');
});

test('FilesSource counts the first file in order for a resource given twice', async (t) => {
  const { file, sees } = await watching(t, {
    roots: ['z.yaml', 'a.yaml'],
    before: async (file) => {
      await writeFile(file('z.yaml'), service('a', 80));
      await writeFile(file('a.yaml'), service('a', 81));
    },
  });
  await sees(`a:80 ! a.yaml: Service default/a: given twice, the one in z.yaml counts`);
  await writeFile(file('z.yaml'), service('b', 80));
  await sees('a:81 b:80');
});

test('FilesSource does not call back for a poll that finds nothing new, or once stopped', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'culvert-files-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await writeFile(path.join(directory, 'a.yaml'), service('a', 80));
  let nowMs = Date.now() + 60_000;
  let polls = 0;
  const source = new FilesSource({
    paths: [directory, path.join(directory, 'gone')],
    // Read once for each file that is read or passed over.
    now: () => {
      polls++;
      return nowMs++;
    },
    settleMs: 1,
    pollMs: 1,
  });
  const snapshots: Snapshot[] = [];
  await source.start((snapshot) => snapshots.push(snapshot));
  const seen = polls;
  await eventually('ten polls', () => polls > seen + 10);
  await source.stop();
  assert.equal(snapshots.length, 1);
  await writeFile(path.join(directory, 'a.yaml'), service('a', 81));
  assert.equal(snapshots.length, 1);
});
