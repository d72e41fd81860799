/**
 * The text of one file as resources and problems. YAML with several documents, JSON (a subset of
 * it), and Kubernetes Lists.
 */
import { isNode, LineCounter, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';

import { formatPath, isObject } from '../resources/fields.ts';
import type { FieldPath } from '../resources/fields.ts';
import { readResource } from '../resources/read-resource.ts';
import { identityOf } from '../resources/resource.ts';
import type { Resource } from '../resources/resource.ts';
import type { Problem } from './source.ts';

/** More expansions of YAML aliases than this is an attack or a mistake. */
const ALIASES_MAX = 100;

/** What one file holds. */
export interface FileContent {
  /** By identity: the good ones, and the last good version of those refused. */
  readonly resources: ReadonlyMap<string, Resource>;
  readonly problems: readonly Problem[];
}

/**
 * Reads `text`. A refused resource keeps its version from `lastGood`; where it cannot be told
 * which one was meant (YAML that does not parse, no name, no document at all), all that this text
 * does not replace stay.
 */
export function readFileContent(
  origin: string,
  text: string,
  lastGood: ReadonlyMap<string, Resource>,
): FileContent {
  const reader = new FileReader(origin, lastGood);
  reader.read(text);
  return { resources: reader.resources, problems: reader.problems };
}

class FileReader {
  readonly resources = new Map<string, Resource>();
  readonly problems: Problem[] = [];
  readonly #origin: string;
  readonly #lastGood: ReadonlyMap<string, Resource>;
  readonly #lines = new LineCounter();
  readonly #refused = new Set<string>();
  #unknownRefused = false;

  constructor(origin: string, lastGood: ReadonlyMap<string, Resource>) {
    this.#origin = origin;
    this.#lastGood = lastGood;
  }

  read(text: string): void {
    const documents = parseAllDocuments(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      merge: true,
    });
    // A file is empty for a moment when it is written in place.
    if (documents.length === 0 && this.#lastGood.size > 0) {
      this.#refuse(undefined, 0, '', 'holds no document: delete the file to remove what it held');
    }
    for (const document of documents) this.#readDocument(document);
    for (const [identity, resource] of this.#lastGood) {
      const kept = this.#unknownRefused || this.#refused.has(identity);
      if (kept && !this.resources.has(identity)) this.resources.set(identity, resource);
    }
  }

  #readDocument(document: Document.Parsed): void {
    const error = document.errors[0];
    if (error !== undefined) {
      this.#refuse(undefined, error.pos[0], '', `is not YAML: ${error.message}`);
      return;
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: ALIASES_MAX });
    } catch (failure) {
      const reason = failure instanceof Error ? failure.message : String(failure);
      this.#refuse(undefined, document.range[0], '', `is not usable YAML: ${reason}`);
      return;
    }
    // An empty document, as a trailing "---" leaves it.
    if (value === null || value === undefined) return;
    const items = isObject(value) && value['kind'] === 'List' ? value['items'] : undefined;
    if (Array.isArray(items)) {
      items.forEach((item, i) => this.#readObject(document, item, ['items', i]));
    } else {
      this.#readObject(document, value, []);
    }
  }

  #readObject(document: Document.Parsed, value: unknown, path: FieldPath): void {
    const read = readResource(value, path);
    if (read.outcome === 'ignored') return;
    if (read.outcome === 'refused') {
      for (const { path, reason } of read.problems) {
        this.#refuse(read.identity, offsetOf(document, path), formatPath(path), reason);
      }
      return;
    }
    const identity = identityOf(read.resource);
    if (this.resources.has(identity)) {
      this.#add(
        identity,
        offsetOf(document, path),
        '',
        'given twice in this file, the first counts',
        false,
      );
    } else {
      this.resources.set(identity, read.resource);
    }
  }

  #refuse(identity: string | undefined, offset: number, path: string, reason: string): void {
    if (identity === undefined) this.#unknownRefused = true;
    else this.#refused.add(identity);
    const kept = identity === undefined ? this.#lastGood.size > 0 : this.#lastGood.has(identity);
    this.#add(identity, offset, path, reason, kept);
  }

  #add(
    resource: string | undefined,
    offset: number,
    path: string,
    reason: string,
    lastGoodKept: boolean,
  ): void {
    const { line } = this.#lines.linePos(offset);
    this.problems.push({ origin: this.#origin, line, resource, path, reason, lastGoodKept });
  }
}

/** Where `path` starts in the text; of a field that is missing, the nearest object around it. */
function offsetOf(document: Document.Parsed, path: FieldPath): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    const offset = isNode(node) ? node.range?.[0] : undefined;
    if (offset !== undefined) return offset;
  }
  return document.contents?.range?.[0] ?? document.range[0];
}
