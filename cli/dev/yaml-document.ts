import { isNode, LineCounter, parseAllDocuments, visit } from 'yaml';
import type { Alias, Document } from 'yaml';
import { messageOf } from '../failure.ts';

/** Keys and indexes from the document's root: `['spec', 'ports', 0]`. */
export type YamlPath = readonly (string | number)[];

/** More expansions of aliases than this is an attack or a mistake. */
const ALIASES_MAX = 100;

/** One document of a YAML file that can say where each of its values stands. */
export class YamlDocument {
  readonly file: string;
  /** What the document says, its aliases replaced: nodes serve to find lines only. */
  readonly #value: unknown;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #problems: string[];

  /** Throws when an alias stands for nothing, or all of them for too much. */
  constructor(file: string, document: Document, lines: LineCounter, problems: string[]) {
    this.file = file;
    this.#value = document.toJS({ maxAliasCount: ALIASES_MAX });
    this.#document = document;
    this.#lines = lines;
    this.#problems = problems;
  }

  /** The plain value at `path`; undefined when there is none. */
  at(path: YamlPath): unknown {
    let value = this.#value;
    for (const part of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) {
        return undefined;
      }
      value = Reflect.get(value, part);
    }
    return value ?? undefined;
  }

  /** Notes `file:line: path: reason`. */
  problem(path: YamlPath, reason: string): void {
    const place = formatPath(path);
    const where = place === '' ? '' : ` ${place}:`;
    this.#problems.push(`${this.file}:${this.#lineOf(path)}:${where} ${reason}`);
  }

  /** The text at `path`; `fallback` where there is none, with a problem if it is no text. */
  text<T extends string | undefined>(path: YamlPath, fallback: T): string | T {
    const value = this.at(path);
    if (value === undefined) return fallback;
    if (typeof value === 'string') return value;
    this.problem(path, `${JSON.stringify(value)} is no string: quote it`);
    return fallback;
  }

  /** A whole number of `min` to `max` at `path`. */
  integer<T extends number | undefined>(
    path: YamlPath,
    fallback: T,
    min: number,
    max: number,
  ): number | T {
    const value = this.at(path);
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    this.problem(path, `${JSON.stringify(value)} is not an integer of ${min} to ${max}`);
    return fallback;
  }

  /** Text by name, as labels and selectors are; empty where there is none. */
  textMap(path: YamlPath): Readonly<Record<string, string>> {
    const value = this.at(path);
    if (value === undefined) return {};
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problem(path, 'is not a map');
      return {};
    }
    const entries = Object.keys(value).map((key) => [key, this.text([...path, key], '')]);
    return Object.fromEntries(entries);
  }

  /** Paths of the items of a list; none where there is no list. */
  items(path: YamlPath): readonly YamlPath[] {
    const value = this.at(path);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value.map((_, i) => [...path, i]);
    this.problem(path, 'is not a list');
    return [];
  }

  /** The list of texts at `path`. */
  texts(path: YamlPath): readonly string[] {
    return this.items(path).map((item) => this.text(item, ''));
  }

  #lineOf(path: YamlPath): number {
    for (let length = path.length; length >= 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return this.#lines.linePos(node.range[0]).line;
    }
    return 1;
  }
}

/** "spec.ports[0].port". */
const formatPath = (path: YamlPath): string =>
  path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join('');

/** The documents of `text` that are maps; what is not YAML is noted in `problems`. */
export function readYamlDocuments(
  file: string,
  text: string,
  problems: string[],
): readonly YamlDocument[] {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, merge: true };
  const parsed = parseAllDocuments(text, options);
  const documents: YamlDocument[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const note = (offset: number, reason: string): void => {
      problems.push(`${file}:${lines.linePos(offset).line}: ${reason}`);
    };
    for (const { pos, message } of document.errors) note(pos[0], message);
    if (document.errors.length > 0 || document.contents === null) continue;
    const circle = findCircle(document);
    if (circle !== undefined) {
      note(circle.range?.[0] ?? 0, `the alias *${circle.source} stands inside what it stands for`);
      continue;
    }
    try {
      documents.push(new YamlDocument(file, document, lines, problems));
    } catch (error) {
      note(document.contents.range[0], messageOf(error));
    }
  }
  return documents;
}

/** The first alias whose anchor holds the alias itself: such a value has no end. */
function findCircle(document: Document): Alias | undefined {
  let found: Alias | undefined;
  visit(document, {
    Alias: (_, alias, ancestors) => {
      const anchor = alias.resolve(document);
      if (anchor === undefined || !ancestors.includes(anchor)) return undefined;
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}
