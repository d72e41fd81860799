import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { nameHindrances } from './name-hindrances.ts';

test('names resolve in pods where resolv.conf is there and nobody answers for the machine', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'culvert-names-'));
  t.after(() => rmSync(root, { recursive: true }));
  const resolver = path.join(root, 'etc/resolv.conf');
  const stub = path.join(root, 'run/stub.conf');
  mkdirSync(path.dirname(resolver));
  assert.match(nameHindrances(root).join('\n'), /^names do not resolve .* no \/etc\/resolv\.conf/);

  symlinkSync(stub, resolver);
  assert.match(nameHindrances(root).join('\n'), /a link that leads nowhere/);
  mkdirSync(path.dirname(stub));
  writeFileSync(stub, '');
  assert.deepEqual(nameHindrances(root), []);

  mkdirSync(path.join(root, 'run/nscd'));
  writeFileSync(path.join(root, 'run/nscd/socket'), '');
  assert.match(nameHindrances(root).join('\n'), /^names may not resolve in pods: nscd/);
});
