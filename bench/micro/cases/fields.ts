/** Header names: known and unknown ones. */
import { FIELD_CONTENT_LENGTH, FIELD_OTHER, fieldId } from '../../../proxy/model/field.ts';
import type { MicroCase } from '../micro-case.ts';

const idOf = (name: string, expected: number): MicroCase => ({
  name: `field ${name}`,
  setup: () => {
    const bytes = Buffer.from(name, 'latin1');
    return { run: () => fieldId(bytes, 0, bytes.length), expected };
  },
});

export const fields: readonly MicroCase[] = [
  idOf('Content-Length', FIELD_CONTENT_LENGTH),
  idOf('X-Request-Id', FIELD_OTHER),
];
