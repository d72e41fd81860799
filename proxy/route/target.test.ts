import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../limits.ts';
import { Targets, formatTarget, parseAuthority } from './target.ts';

const PARSED: readonly (readonly [authority: string, host: string, port: number])[] = [
  ['web', 'web', 80],
  ['Web.Demo.SVC', 'web.demo.svc', 80],
  ['web:8080', 'web', 8080],
  ['web:', 'web', 80],
  ['web:65535', 'web', 65_535],
  ['10.0.0.1:81', '10.0.0.1', 81],
  ['[::1]', '::1', 80],
  ['[FE80::1]:8080', 'fe80::1', 8080],
];

for (const [authority, host, port] of PARSED) {
  test(`parseAuthority reads ${authority}`, () => {
    assert.deepEqual(parseAuthority(authority), { originalDst: undefined, authority: host, port });
  });
}

for (const authority of ['', ':80', 'web:0', 'web:65536', 'web:x', 'a:b:1', '[]', '[::1', '::1']) {
  test(`parseAuthority finds no host and port in "${authority}"`, () => {
    assert.equal(parseAuthority(authority), undefined);
  });
}

test('Targets gives the same target again, none for what is none, also past its limit', () => {
  const targets = new Targets();
  const first = targets.of('web:8080');
  assert.deepEqual(first, parseAuthority('web:8080'));
  assert.equal(targets.of('web:8080'), first);
  assert.equal(targets.of(':80'), undefined);
  assert.equal(targets.of(':80'), undefined);
  for (let i = 0; i <= limits.rememberedTargetsMax; i++) targets.of(`web-${i}`);
  assert.deepEqual(targets.of('web:8080'), first);
});

const textOf = (authority: string): string => {
  const target = parseAuthority(authority);
  return target === undefined ? '' : formatTarget(target);
};

test('formatTarget is one text for what is one target', () => {
  assert.equal(textOf('WEB'), textOf('web:80'));
  assert.notEqual(textOf('web'), textOf('web:81'));
  const redirected = { originalDst: '10.0.0.1:80', authority: 'web', port: 80 };
  assert.equal(formatTarget(redirected), formatTarget({ ...redirected, authority: undefined }));
  assert.equal(
    formatTarget({ originalDst: undefined, authority: undefined, port: 80 }),
    ':80',
    'an unknown host',
  );
});

test('parseAuthority takes no name longer than a host name can be: it would be kept as a key', () => {
  assert.notEqual(parseAuthority(`${'a'.repeat(253)}:8080`), undefined);
  assert.equal(parseAuthority('a'.repeat(261)), undefined);
});
