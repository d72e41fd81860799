import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeBundle } from '../base/bundle/make-bundle.ts';
import { bundledPlace } from './bundled-place.ts';

const ROOT = path.dirname(import.meta.dirname);
const stray = mkdtempSync(path.join(tmpdir(), 'culvert-place-'));
after(() => rmSync(stray, { recursive: true }));

test('bundledPlace finds the source of what ran from a bundle', async () => {
  const { directory, files } = await makeBundle(ROOT, 0);
  const folder = path.join(ROOT, '.bundle', directory);
  const wanted = /^\s*class Http1Server\b|^var Http1Server = class/;
  const found = readdirSync(folder)
    .filter((name) => name.endsWith('.mjs'))
    .flatMap((name) => {
      const lines = readFileSync(path.join(folder, name), 'utf8').split('\n');
      const line = lines.findIndex((text) => wanted.test(text));
      return line === -1 ? [] : [{ name, line, column: lines[line]?.indexOf('Http1Server') ?? 0 }];
    });
  const [one] = found;
  assert.ok(one !== undefined && files['proxy/main.ts'] !== undefined);
  // As another machine would say it, and with what a second start of a thread adds.
  const url = `file:///elsewhere/.bundle/${directory}/${one.name}?run=2`;
  const place = bundledPlace(ROOT, url, one.line, one.column);
  assert.equal(place?.file, 'proxy/session/http1-server.ts');
  const source = readFileSync(path.join(ROOT, place.file), 'utf8').split('\n');
  assert.match(source[place.line] ?? '', /class Http1Server/);
});

test('bundledPlace knows nothing of other modules, and of bundles that are not here', () => {
  assert.equal(bundledPlace(ROOT, pathToFileURL('/x/proxy/stack.ts').href, 1, 0), undefined);
  assert.equal(bundledPlace(ROOT, 'node:net', 1, 0), undefined);
  assert.equal(bundledPlace(stray, 'file:///x/.bundle/0123456789abcdef/a.mjs', 1, 0), undefined);
});
