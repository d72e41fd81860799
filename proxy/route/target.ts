/** Reads what a request asked for off its authority. */
import { limits } from '../limits.ts';
import type { Target } from '../model/destination.ts';
import type { Head } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';
import { ByteMemo } from './byte-memo.ts';

const HTTP_PORT = 80;
const RECENT_SLOTS = 64;
/** A host name of RFC 1035 has at most 253; a longer one is kept nowhere. */
const AUTHORITY_CHARS_MAX = 260;

/** "Web:8080" -> {web, 8080}; undefined when the text names no host. IPv6 literals lose their brackets. */
export function parseAuthority(authority: string): Target | undefined {
  if (authority.length > AUTHORITY_CHARS_MAX) return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{0,5}))?$/.exec(authority.toLowerCase());
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) return undefined;
  const port = match?.[3] === undefined || match[3] === '' ? HTTP_PORT : Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  return { originalDst: undefined, authority: host, port };
}

/** The answer to a request whose authority is none. */
export const NO_AUTHORITY = new MeshError(
  'no-such-service',
  'proxy',
  'The request names no service.',
);

/** Remembers the targets of authorities, so that a request's costs one look-up. */
export class Targets {
  readonly #known = new Map<string, Target>();
  readonly #recent = new ByteMemo<Target>(RECENT_SLOTS, AUTHORITY_CHARS_MAX);

  // HOT: per exchange. The target of a request by its authority.
  ofRequest({ bytes, start, authorityStart, authorityEnd }: Head): Target | undefined {
    const from = start + authorityStart;
    const to = start + authorityEnd;
    const recent = this.#recent.get(bytes, from, to);
    if (recent !== undefined) return recent;
    const target = this.of(bytes.toString('latin1', from, to));
    if (target !== undefined) this.#recent.set(bytes, from, to, target);
    return target;
  }

  of(authority: string): Target | undefined {
    const known = this.#known.get(authority);
    if (known !== undefined) return known;
    const target = parseAuthority(authority);
    if (this.#known.size >= limits.rememberedTargetsMax) this.#known.clear();
    if (target !== undefined) this.#known.set(authority, target);
    return target;
  }
}

/** One text for a target: the key of its destination. */
export const formatTarget = ({ originalDst, authority, port }: Target): string =>
  originalDst ?? `${authority ?? ''}:${port}`;
