import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openingSoFar, opensHttp1 } from './opening.ts';

const judge = (text: string, before = ''): string => {
  const bytes = Buffer.from(before + text, 'latin1');
  return opensHttp1(bytes, before.length, bytes.length);
};

test('opensHttp1 knows a request by its method as soon as the method is whole', () => {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT']) {
    assert.equal(judge(`${method} `), 'yes');
    assert.equal(judge(`${method} /\0garbage`, 'GET '), 'yes', 'what follows is for HTTP to judge');
    for (let at = 1; at <= method.length; at++) assert.equal(judge(method.slice(0, at)), 'more');
  }
});

test('opensHttp1 reads the line of a method that it does not know', () => {
  const line = 'PROPFIND /files HTTP/1.1\r\n';
  assert.equal(judge(line), 'yes');
  for (let at = 1; at < line.length - 1; at++) assert.equal(judge(line.slice(0, at)), 'more');
  assert.equal(judge('EHLO mail.example\r\n'), 'no');
  assert.equal(judge('SET key HTTP\r\n'), 'no');
  assert.equal(judge('x'.repeat(8_000)), 'more');
  assert.equal(judge('x'.repeat(9_000)), 'no');
  assert.equal(judge('get / HTTP/1.1\r\n'), 'yes', 'methods are case-sensitive; HTTP refuses this');
  assert.equal(judge(`LONG ${'x'.repeat(8_000)}`), 'more');
  assert.equal(judge(`LONG ${'x'.repeat(9_000)}`), 'no');
});

test('opensHttp1 says no at the first byte that no text has, and at the end of other text', () => {
  const others = {
    'TLS ClientHello': '\x16\x03\x01\x02\0',
    'PostgreSQL startup': '\0\0\0\x08\x04\xd2\x16\x2f',
    'RESP array': '*1\r\n$4\r\nPING\r\n',
    'RESP inline': 'PING\r\n',
    'MongoDB OP_MSG': '\x3f\0\0\0\x01\0\0\0',
    'AMQP protocol header': 'AMQP\0\0\x09\x01',
  };
  for (const [name, bytes] of Object.entries(others)) assert.equal(judge(bytes), 'no', name);
});

test('opensHttp1 leaves to HTTP what a server might read as HTTP', () => {
  for (const line of [
    'GET\t/ HTTP/1.1',
    ' GET / HTTP/1.1',
    '"GET / HTTP/1.1"',
    'GE\x01T / HTTP/1.1',
  ]) {
    assert.equal(judge(`${line}\r\n`), 'yes', line);
  }
});

test('opensHttp1 passes over empty lines before the request', () => {
  assert.equal(judge('\r\n'), 'more');
  assert.equal(judge('\r\n\r\nGET '), 'yes');
  assert.equal(judge('\r\n\x16'), 'no');
});

test('opensHttp1 knows what shares a method with HTTP by its version', () => {
  for (const other of [
    'OPTIONS rtsp://cam/1 RTSP/1.0\r\nCSeq: 1\r\n',
    'OPTIONS sip:a@b SIP/2.0\r\n',
  ]) {
    assert.equal(judge(other), 'no', other);
  }
  assert.equal(judge('OPTIONS * HTTP/1.1\r\nX: a RTSP/1.0\r\n'), 'yes');
  assert.equal(judge('OPTIONS rtsp://cam/1 RTSP/1.'), 'yes', 'a line that is cut is HTTP at once');
});

test('opensHttp1 has a bound for empty lines too', () => {
  assert.equal(judge('\r\n'.repeat(4_000)), 'more');
  assert.equal(judge('\r\n'.repeat(4_200)), 'no');
  assert.equal(judge(`${'\r\n'.repeat(4_200)}LONG x`), 'no');
});

const soFar = (text: string, before = ''): string => {
  const bytes = Buffer.from(`${before}${text}/`, 'latin1');
  return openingSoFar(bytes, before.length, bytes.length - 1);
};

test('openingSoFar knows a request line by its target, however little of it there is', () => {
  for (const line of ['XPROPFIND /files HTTP/1.1\r\n', 'XPRI * HTTP/2.0\r\n']) {
    const target = line.indexOf(' ') + 2;
    for (let at = 1; at < line.length; at++) {
      const expected = at < target ? 'any' : 'line';
      assert.equal(soFar(line.slice(0, at)), expected, line.slice(0, at));
      assert.equal(soFar(`\r\n${line.slice(0, at)}`, 'GET'), expected);
    }
  }
});

test('openingSoFar knows the first letters of a method that is known, and no others', () => {
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'CONNECT']) {
    for (let at = 1; at <= method.length; at++) assert.equal(soFar(method.slice(0, at)), 'method');
  }
  const others = [
    '',
    '\r\n',
    'GETS',
    'get',
    'PIN',
    'HELO',
    'HELO ',
    'SET key',
    ' GET /',
    'DECR  /',
  ];
  for (const text of others) assert.equal(soFar(text), 'any', JSON.stringify(text));
});
