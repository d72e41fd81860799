import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf, parseHead, requestHead } from '../../test/support/heads.ts';
import { FIELD_CONTENT_LENGTH, FIELD_HOST, FIELD_OTHER } from './field.ts';
import { Head, ORIG_PROTO_HTTP1, ORIG_PROTO_NONE } from './head.ts';

const TEXT = 'PUT http://a:1/b?c HTTP/1.0\r\nHost: a\r\nX: 1\r\nContent-Length: 2\r\nx: 3\r\n\r\n';

/** Everything a head says. */
const told = (head: Head) => ({
  method: head.method(),
  target: head.target(),
  authority: head.authority(),
  path: head.path(),
  minor: head.minor,
  absolute: head.absolute,
  status: head.status,
  fields: fieldsOf(head),
  ids: Array.from({ length: head.fieldCount }, (_, i) => head.id(i)),
  found: Array.from({ length: 32 }, (_, id) => head.find(id)),
  lines: Array.from({ length: head.fieldCount + 1 }, (_, i) => head.lineStart(i)),
  whole: head.text(0, head.length),
});

test('Head tells its parts and finds fields from where it is asked', () => {
  const head = requestHead(TEXT);
  assert.deepEqual([head.method(), head.path(), head.authority()], ['PUT', '/b?c', 'a:1']);
  assert.equal(head.find(FIELD_HOST), 0);
  assert.equal(head.find(FIELD_CONTENT_LENGTH), 2);
  assert.equal(head.find(FIELD_OTHER, 2), 3);
  assert.equal(head.find(FIELD_HOST, 1), -1);
  assert.equal(head.lineStart(4), head.linesEnd);
});

test('Head.own copies all and keeps it when the bytes of the other go', () => {
  const response = 'HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\n';
  for (const other of [requestHead(TEXT), parseHead('response', response)]) {
    const head = new Head();
    head.own(other);
    const before = told(other);
    assert.deepEqual(told(head), before);
    other.bytes.fill(0);
    assert.deepEqual(told(head), before);
  }
});

test('Head.own copies scheme, origin and the marks of never-indexed fields, and takes old ones away', () => {
  const head = new Head();
  const marks = () => [0, 1, 2].map((i) => head.neverIndexed(i));
  const secret = requestHead(TEXT);
  secret.scheme = 'https';
  secret.origin = { serial: 1 };
  secret.markNeverIndexed(1);
  head.own(secret);
  assert.deepEqual(
    [head.scheme, head.origin, marks()],
    ['https', secret.origin, [false, true, false]],
  );
  head.own(requestHead(TEXT));
  assert.deepEqual([head.scheme, head.origin, marks()], ['http', undefined, [false, false, false]]);
  head.own(secret);
  head.clear();
  assert.deepEqual([head.scheme, head.origin, marks()], ['http', undefined, [false, false, false]]);
});

test('Head.own takes a larger and then a smaller head into the same room', () => {
  const many = Array.from({ length: 100 }, (_, i) => `Field-${i}: ${'v'.repeat(i)}\r\n`).join('');
  const large = requestHead(`GET / HTTP/1.1\r\nHost: h\r\n${many}\r\n`);
  const head = new Head();
  head.own(requestHead(TEXT));
  head.own(large);
  assert.deepEqual(told(head), told(large));
  const small = requestHead('GET /x HTTP/1.1\r\nHost: i\r\n\r\n');
  const { bytes } = head;
  head.own(small);
  assert.deepEqual(told(head), told(small));
  assert.equal(head.bytes, bytes);
});

test('Head.own of an origin it has anew is what it was, whatever became of the copy', () => {
  const origin = { serial: 1 };
  const long = `X: ${'v'.repeat(5_000)}\r\n`;
  for (const lines of ['A: 1\r\ngrpc-timeout: 5S\r\n', `${long}grpc-timeout: 5S\r\n`]) {
    const known = requestHead(`GET /a HTTP/1.1\r\nHost: h\r\n${lines}\r\n`);
    known.markNeverIndexed(1);
    known.origin = origin;
    const copy = new Head();
    const isCopy = (): void => {
      copy.own(known);
      assert.deepEqual(told(copy), told(known));
      assert.deepEqual([copy.origin, copy.origProto], [origin, ORIG_PROTO_NONE]);
      assert.deepEqual([copy.neverIndexed(0), copy.neverIndexed(1)], [false, true]);
    };
    isCopy();
    isCopy();
    copy.setValue(2, '4999m');
    isCopy();
    copy.trim();
    isCopy();
    copy.origProto = ORIG_PROTO_HTTP1;
    isCopy();
    copy.own(requestHead('GET /b HTTP/1.1\r\nHost: i\r\n\r\n'));
    assert.equal(copy.origin, undefined);
    isCopy();
    copy.clear();
    isCopy();
  }
});

test('Head grows with its fields and keeps each as it was', () => {
  const head = new Head();
  for (let i = 0; i < 200; i++) head.addField(i % 16, i * 4, i * 4 + 1, i * 4 + 2, i * 4 + 3);
  head.linesEnd = 800;
  assert.equal(head.fieldCount, 200);
  for (let i = 0; i < 200; i++) {
    const offsets = [head.lineStart(i), head.nameEnd(i), head.valueStart(i), head.valueEnd(i)];
    assert.deepEqual(offsets, [i * 4, i * 4 + 1, i * 4 + 2, i * 4 + 3]);
    assert.equal(head.id(i), i % 16);
  }
  head.clear();
  assert.deepEqual([head.fieldCount, head.find(FIELD_OTHER)], [0, -1]);
});

for (const value of ['4999m', '1', '5S', '', 'x'.repeat(2_000)]) {
  test(`Head.setValue makes a field's value ${value.slice(0, 9)} and moves what follows`, () => {
    for (const [before, behind] of [
      ['A: 1', 'Host: web'],
      ['Host: web', 'A: 1'],
    ] as const) {
      const text = (given: string): string =>
        `PUT /b?c HTTP/1.1\r\n${before}\r\ngrpc-timeout:  ${given}\r\n${behind}\r\nZ: 3\r\n\r\n`;
      const head = new Head();
      head.own(requestHead(text('5S')));
      head.origin = { serial: 1 };
      head.setValue(1, value);
      assert.equal(head.origin, undefined);
      // An empty value would be parsed as one without the space before it.
      const want = told(requestHead(text('5S')));
      assert.deepEqual(told(head), {
        ...want,
        fields: want.fields.map(([name, old], i) => [name, i === 1 ? value : old]),
        lines: want.lines.map((start, i) => start + (i > 1 ? value.length - 2 : 0)),
        whole: text(value),
      });
    }
  });
}
