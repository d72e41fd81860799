import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const api = import.meta.dirname;
const tools = path.resolve(api, '../node_modules/.bin');

function buf(...args: string[]): void {
  const env = { ...process.env, PATH: `${tools}${path.delimiter}${process.env['PATH'] ?? ''}` };
  const { status, stderr, stdout, error } = spawnSync(path.join(tools, 'buf'), args, {
    cwd: api,
    env,
    encoding: 'utf8',
  });
  assert.equal(error, undefined);
  assert.equal(status, 0, `${stdout}${stderr}`);
}

/** Path below `directory` -> text. */
function textsBelow(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted();
  const files = names.filter((name) => name.endsWith('.ts'));
  return Object.fromEntries(
    files.map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]),
  );
}

test('the generated TypeScript is what the protos give (else: npm run generate)', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'culvert-generate-'));
  try {
    buf('generate', '--output', directory);
    const fresh = textsBelow(path.join(directory, 'gen'));
    assert.ok(Object.keys(fresh).length >= 4);
    assert.deepEqual(textsBelow(path.join(api, 'gen')), fresh);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the protos keep the lint rules of buf.yaml', () => {
  buf('lint');
  buf('lint', '../examples/demo', '--config', 'buf.yaml');
});
