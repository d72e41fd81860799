import { isNode, LineCounter, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';

/** Keys and indexes from the document's root: `['spec', 'ports', 0]`. */
export type YamlPath = readonly (string | number)[];

/** One document of a YAML file that can say where each of its values stands. */
export class YamlDocument {
  readonly file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #problems: string[];

  constructor(file: string, document: Document, lines: LineCounter, problems: string[]) {
    this.file = file;
    this.#document = document;
    this.#lines = lines;
    this.#problems = problems;
  }

  /** The plain value at `path`; undefined when there is none. */
  at(path: YamlPath): unknown {
    const value: unknown = this.#document.getIn(path);
    const plain: unknown = isNode(value) ? value.toJS(this.#document) : value;
    return plain ?? undefined;
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
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const documents: YamlDocument[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    for (const error of document.errors) {
      problems.push(`${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    documents.push(new YamlDocument(file, document, lines, problems));
  }
  return documents;
}
