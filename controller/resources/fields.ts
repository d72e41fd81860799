/**
 * Reads untyped YAML or JSON values field by field. A wrong field is noted with its path and
 * reason and reads as absent, so that one pass finds every problem of a resource.
 */

/** Keys and list indexes from the top of the document: ["spec", "ports", 0, "port"]. */
export type FieldPath = readonly (string | number)[];

/** One wrong field. */
export interface FieldProblem {
  readonly path: FieldPath;
  /** "must be …, is …". */
  readonly reason: string;
}

/** What a text field may look like, with its words for the message. */
export interface TextShape {
  readonly pattern: RegExp;
  readonly words: string;
}

/** Kubernetes object names (RFC 1123 subdomain). */
export const SUBDOMAIN: TextShape = {
  pattern: /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  words: 'a DNS name of lower-case letters, digits, "-" and "."',
};

/** Names of namespaces and services (RFC 1123 label). */
export const DNS_LABEL: TextShape = {
  pattern: /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  words: 'a DNS label of at most 63 lower-case letters, digits and "-"',
};

const SHOWN_LENGTH = 60;

/** The fields of one object. */
export class Fields {
  readonly path: FieldPath;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #problems: FieldProblem[];

  /** `problems` collects what is wrong, here and in every object read from here. */
  constructor(value: unknown, path: FieldPath, problems: FieldProblem[]) {
    this.path = path;
    this.#problems = problems;
    this.#values = isObject(value) ? value : {};
    if (value !== undefined && value !== null && !isObject(value)) {
      problems.push({ path, reason: `must be an object, is ${show(value)}` });
    }
  }

  /** The value as it is; null reads as absent, as in Kubernetes. */
  value(name: string): unknown {
    return this.#values[name] ?? undefined;
  }

  refuse(name: string, reason: string): void {
    this.#problems.push({ path: [...this.path, name], reason });
  }

  /** The object at `name`; an absent one reads as empty. */
  object(name: string): Fields {
    return new Fields(this.value(name), [...this.path, name], this.#problems);
  }

  /** The list of objects at `name`; an absent one reads as empty. */
  objects(name: string): Fields[] {
    return this.#list(name, 'a list of objects').map(
      (value, i) => new Fields(value, [...this.path, name, i], this.#problems),
    );
  }

  text(name: string, shape?: TextShape): string | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'string' && (shape === undefined || shape.pattern.test(value))) {
      return value;
    }
    this.refuse(name, `must be ${shape?.words ?? 'text'}, is ${show(value)}`);
    return undefined;
  }

  requiredText(name: string, shape?: TextShape): string | undefined {
    if (this.value(name) === undefined)
      this.refuse(name, `is missing, must be ${shape?.words ?? 'text'}`);
    return this.text(name, shape);
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    this.refuse(name, `must be an integer ${min} to ${max}, is ${show(value)}`);
    return undefined;
  }

  requiredInteger(name: string, min: number, max: number): number | undefined {
    if (this.value(name) === undefined) {
      this.refuse(name, `is missing, must be an integer ${min} to ${max}`);
    }
    return this.integer(name, min, max);
  }

  flag(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'boolean') return value;
    this.refuse(name, `must be true or false, is ${show(value)}`);
    return undefined;
  }

  texts(name: string): string[] {
    const texts: string[] = [];
    this.#list(name, 'a list of texts').forEach((value, i) => {
      if (typeof value === 'string') texts.push(value);
      else {
        this.#problems.push({
          path: [...this.path, name, i],
          reason: `must be text, is ${show(value)}`,
        });
      }
    });
    return texts;
  }

  /** A map of texts, as labels are. */
  labels(name: string): ReadonlyMap<string, string> {
    const value = this.value(name);
    const labels = new Map<string, string>();
    if (value === undefined) return labels;
    if (!isObject(value)) {
      this.refuse(name, `must be a map of texts, is ${show(value)}`);
      return labels;
    }
    for (const [key, label] of Object.entries(value)) {
      if (typeof label === 'string') labels.set(key, label);
      else {
        this.#problems.push({
          path: [...this.path, name, key],
          reason: `must be text (quote it), is ${show(label)}`,
        });
      }
    }
    return labels;
  }

  #list(name: string, words: string): readonly unknown[] {
    const value = this.value(name);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.refuse(name, `must be ${words}, is ${show(value)}`);
    return [];
  }
}

/** "spec.ports[0].port". */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** An object with named fields: neither null nor a list. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value as a message shows it, at most 60 characters. */
export function show(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    // YAML can say that: "&a [*a]".
    return 'a value that contains itself';
  }
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}
