/** Heads from text and back, through the product's parser. */
import assert from 'node:assert/strict';
import type { HeadLimits } from '../../proxy/codec/http1/head-limits.ts';
import { HEAD_DONE, type HeadKind, HeadParser } from '../../proxy/codec/http1/head-parser.ts';
import { readRequestTarget } from '../../proxy/codec/http1/request-target.ts';
import { limits } from '../../proxy/limits.ts';
import { Head, TUNNEL_UPGRADE, type TunnelKind } from '../../proxy/model/head.ts';
import { checkRequest } from '../../proxy/session/http1-request.ts';

/** The head that `text` is; it must be one, and nothing more. */
export function parseHead(kind: HeadKind, text: string, within: HeadLimits = limits): Head {
  const parser = new HeadParser(new Head(), within);
  parser.start(kind);
  // In the middle of a buffer, so that a forgotten `start` shows.
  const bytes = Buffer.from(`?!?${text}`, 'latin1');
  assert.equal(parser.parse(bytes, 3, bytes.length), HEAD_DONE, JSON.stringify(text));
  assert.equal(parser.head.length, text.length);
  return parser.head;
}

/** A request head with its target read, which must be in order. */
export function requestHead(text: string): Head {
  const head = parseHead('request', text);
  assert.equal(readRequestTarget(head), 'ok', JSON.stringify(text));
  return head;
}

/** A request head that asks for a tunnel, or for none, as a server session hands it over. */
export function checkedHead(text: string): Head {
  const head = parseHead('request', text);
  assert.equal(typeof checkRequest(head), 'number', JSON.stringify(text));
  return head;
}

/** An answer's head that grants a tunnel. */
export function grantHead(text: string, tunnel: TunnelKind): Head {
  const head = parseHead('response', text);
  head.tunnel = tunnel;
  if (tunnel === TUNNEL_UPGRADE) head.status = 101;
  return head;
}

/** Names and values in order. */
export const fieldsOf = (head: Head): [name: string, value: string][] =>
  Array.from({ length: head.fieldCount }, (_, i) => [head.name(i), head.value(i)]);
