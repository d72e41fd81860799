/**
 * Upgrade (RFC 9110 section 7.8): which protocols a request offers to go on with behind its answer,
 * and whether an answer may take one of them.
 *
 * HTTP/2 is never offered (RFC 9113 section 3.1): its requests would pass as the bytes of a tunnel,
 * unseen. A request that offers it is one without an upgrade.
 */
import { FIELD_CONNECTION, FIELD_UPGRADE } from '../../model/field.ts';
import { type Head, TUNNEL_UPGRADE } from '../../model/head.ts';
import { hasToken } from './framing.ts';

const NONE: readonly string[] = [];
/** protocol = protocol-name ["/" protocol-version], both tokens. */
const PROTOCOL = /^[!#$%&'*+.^_`|~\w-]+(?:\/[!#$%&'*+.^_`|~\w-]+)?$/;
const HTTP = /^(?:h2c?|http)(?:\/|$)/i;
/** It is said again in heads of this proxy's own; no registered one comes near it. */
const PROTOCOL_CHARS_MAX = 64;

/** What a request offers, the most wanted first, as it is spelled; nothing where it asks for no upgrade. */
// HOT: per exchange.
export function offeredProtocols(head: Head): readonly string[] {
  const first = head.find(FIELD_UPGRADE);
  // A client of HTTP/1.0 cannot mean it.
  if (first === -1 || head.minor === 0) return NONE;
  // What is known to ask for one may have come as extended CONNECT, without Connection.
  const asks = head.tunnel === TUNNEL_UPGRADE || hasToken(head, FIELD_CONNECTION, 'upgrade');
  if (!asks) return NONE;
  const offered = protocolsOf(head);
  return offered.every(isTunnelled) ? offered : NONE;
}

/** Whether an answer with 101 goes on with what was offered, and with nothing else. */
export function grantsOffered(answer: Head, offered: readonly string[]): boolean {
  if (!hasToken(answer, FIELD_CONNECTION, 'upgrade')) return false;
  const granted = protocolsOf(answer);
  const known = new Set(offered.map((one) => one.toLowerCase()));
  return granted.length > 0 && granted.every((one) => known.has(one.toLowerCase()));
}

/** Whether `protocol` may go on through a tunnel: it is one, and not HTTP itself. */
export const isTunnelled = (protocol: string): boolean =>
  protocol.length <= PROTOCOL_CHARS_MAX && PROTOCOL.test(protocol) && !HTTP.test(protocol);

/** Elements of all Upgrade lines; empty ones mean nothing (RFC 9110 section 5.6.1). */
function protocolsOf(head: Head): string[] {
  const all: string[] = [];
  for (let i = head.find(FIELD_UPGRADE); i !== -1; i = head.find(FIELD_UPGRADE, i + 1)) {
    for (const part of head.value(i).split(',')) {
      const protocol = part.trim();
      if (protocol !== '') all.push(protocol);
    }
  }
  return all;
}
