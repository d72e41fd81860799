/** Ids of names in a field section: those of the model, and the pseudo-fields of RFC 9113 8.3 and RFC 8441. */
import { fieldId } from '../../../model/field.ts';

/** Every pseudo-field has this id or a higher one; a name that is no pseudo-field we know has it. */
export const FIELD_PSEUDO = 64;
export const FIELD_METHOD = 65;
export const FIELD_SCHEME = 66;
export const FIELD_PATH = 67;
export const FIELD_AUTHORITY = 68;
export const FIELD_STATUS = 69;
export const FIELD_PROTOCOL = 70;

const COLON = 0x3a;
const PSEUDO_FIELDS: readonly (readonly [name: string, id: number])[] = [
  [':method', FIELD_METHOD],
  [':scheme', FIELD_SCHEME],
  [':path', FIELD_PATH],
  [':authority', FIELD_AUTHORITY],
  [':status', FIELD_STATUS],
  [':protocol', FIELD_PROTOCOL],
];

/** Id of the name in bytes[start, end): of a field, or of a pseudo-field when it begins with ":". */
// HOT: per frame.
export function sectionFieldId(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] !== COLON || start === end) return fieldId(bytes, start, end);
  // Pseudo-fields are in the static table: a literal name is rare.
  const name = bytes.toString('latin1', start, end);
  for (const [known, id] of PSEUDO_FIELDS) if (known === name) return id;
  return FIELD_PSEUDO;
}
