/** JSON of a program that may be of another version: what is not there, or is something else, is undefined. */
export class JsonView {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  /** A field of an object. */
  at(name: string): JsonView {
    return new JsonView(Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined);
  }

  /** Elements of an array. */
  get items(): readonly JsonView[] {
    return Array.isArray(this.#value) ? this.#value.map((one) => new JsonView(one)) : [];
  }

  /** Fields of an object. */
  get entries(): readonly (readonly [name: string, value: JsonView])[] {
    return Object.entries(this.#fields).map(([name, value]) => [name, new JsonView(value)]);
  }

  get isArray(): boolean {
    return Array.isArray(this.#value);
  }

  /** An object as it is; an empty one when it is something else. */
  get object(): object {
    return this.#fields;
  }

  get text(): string | undefined {
    return typeof this.#value === 'string' ? this.#value : undefined;
  }

  get number(): number | undefined {
    return typeof this.#value === 'number' ? this.#value : undefined;
  }

  get isTrue(): boolean {
    return this.#value === true;
  }

  get #fields(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
    return value as Readonly<Record<string, unknown>>;
  }
}
