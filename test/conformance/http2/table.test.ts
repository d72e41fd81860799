import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT_CONNECTION } from './client-connection.ts';
import { CLIENT_MESSAGES } from './client-messages.ts';
import { SERVER_CONNECTION } from './server-connection.ts';
import { SERVER_FRAMES } from './server-frames.ts';
import { SERVER_HPACK } from './server-hpack.ts';
import { SERVER_MESSAGES } from './server-messages.ts';

const cases = [
  ...SERVER_CONNECTION,
  ...SERVER_FRAMES,
  ...SERVER_MESSAGES,
  ...SERVER_HPACK,
  ...CLIENT_CONNECTION,
  ...CLIENT_MESSAGES,
];

test('the HTTP/2 cases have names of their own and something to expect', () => {
  const names = cases.map(({ role, section, name }) => `${role} ${section} ${name}`);
  assert.deepEqual(names, [...new Set(names)]);
  for (const { name, expected } of cases) assert.ok(Object.keys(expected).length > 0, name);
});

test('the HTTP/2 cases are at least 150 of RFC 9113, in both roles, and 50 of RFC 7541', () => {
  const of7541 = cases.filter(({ section }) => section.startsWith('RFC 7541'));
  const of9113 = cases.filter(({ section }) => /^\d/.test(section));
  assert.ok(of9113.length >= 150, `${of9113.length}`);
  assert.ok(of7541.length >= 50, `${of7541.length}`);
  for (const role of ['server', 'client']) {
    assert.ok(of9113.filter((each) => each.role === role).length >= 75, role);
  }
});

test('the HTTP/2 cases cover the sections that say what a peer may do', () => {
  const sections = new Set(cases.map(({ section }) => section));
  const wanted =
    '3.4 4.1 4.2 4.3 5.1 5.1.1 5.1.2 5.3 5.4.2 5.5 6.1 6.2 6.3 6.4 6.5 6.5.2 6.5.3 6.6';
  const more = '6.7 6.8 6.9 6.9.1 6.9.2 6.10 7 8.1 8.1.1 8.2 8.2.1 8.2.2 8.2.3 8.3 8.3.1 8.3.2 8.4';
  const last = '8.5 8.6 10.5 10.5.1';
  const missing = `${wanted} ${more} ${last}`.split(' ').filter((each) => !sections.has(each));
  assert.deepEqual(missing, []);
});
