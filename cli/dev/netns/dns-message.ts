/**
 * As much of DNS (RFC 1035 section 4) as a name server of one zone needs: one question in,
 * addresses out.
 *
 *    0   id (16)          2  QR opcode(4) AA TC RD | RA z(3) rcode(4)
 *    4   questions (16)   6  answers   8  authority   10  additional      12  the question:
 *        labels, a zero byte, type (16), class (16)
 *
 * What follows the question (EDNS, RFC 6891) is not read: without it in the answer the client knows
 * that 512 bytes is all that one takes.
 */

/** Longest name, in bytes of its encoding. */
const NAME_BYTES_MAX = 255;
const LABEL_BYTES_MAX = 63;
const HEADER_BYTES = 12;
/** Type and class. */
const QUESTION_TAIL_BYTES = 4;
/** Pointer to the question's name, type, class, TTL, length, IPv4 address. */
const ADDRESS_RECORD_BYTES = 16;
const NAME_POINTER = 0xc0_00 | HEADER_BYTES;

const QR = 0x80_00;
const OPCODE_MASK = 0x78_00;
const AA = 0x04_00;
const TC = 0x02_00;
const RD = 0x01_00;
const RA = 0x00_80;

/** IPv4 address (RFC 1035 section 3.2.2). */
export const TYPE_A = 1;
/** Every type there is. */
export const TYPE_ANY = 255;
/** The Internet. */
export const CLASS_IN = 1;

/** What an answer says of itself (RFC 1035 section 4.1.1). */
export const RCODE = { ok: 0, noSuchName: 3, refused: 5 } as const;
/** One of them. */
export type Rcode = (typeof RCODE)[keyof typeof RCODE];

/** A query with one question. */
export interface Question {
  readonly id: number;
  /** The client would have others asked. */
  readonly recursionDesired: boolean;
  /** In lower case, without the dot at the end. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The question as it was asked: an answer repeats it, letter by letter. */
  readonly bytes: Uint8Array;
}

/** What is answered. */
export interface Reply {
  readonly rcode: Rcode;
  /** IPv4 addresses "A.B.C.D". */
  readonly addresses: readonly string[];
}

/** The question of a message; undefined when it is no query with exactly one whole question. */
export function readQuestion(message: Uint8Array): Question | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const flags = view.getUint16(2);
  if ((flags & (QR | OPCODE_MASK)) !== 0 || view.getUint16(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = message[at++];
    // A question has nothing before it to point to.
    if (length === undefined || length > LABEL_BYTES_MAX) return undefined;
    if (length === 0) break;
    const end = at + length;
    if (end > message.length || end - HEADER_BYTES >= NAME_BYTES_MAX) return undefined;
    labels.push(String.fromCharCode(...message.subarray(at, end)).toLowerCase());
    at = end;
  }
  const end = at + QUESTION_TAIL_BYTES;
  if (end > message.length) return undefined;
  return {
    id: view.getUint16(0),
    recursionDesired: (flags & RD) !== 0,
    name: labels.join('.'),
    type: view.getUint16(at),
    class: view.getUint16(at + 2),
    bytes: message.subarray(HEADER_BYTES, end),
  };
}

/**
 * The reply as a message of at most `bytesMax`: where that is too little it has no address and says
 * that it is cut, and clients ask again over TCP.
 */
export function writeReply(
  question: Question,
  { addresses, rcode }: Reply,
  ttlSeconds: number,
  bytesMax: number,
): Uint8Array {
  const head = HEADER_BYTES + question.bytes.length;
  const cut = head + addresses.length * ADDRESS_RECORD_BYTES > bytesMax;
  const records = cut ? [] : addresses;
  const message = new Uint8Array(head + records.length * ADDRESS_RECORD_BYTES);
  const view = new DataView(message.buffer);
  view.setUint16(0, question.id);
  const asked = question.recursionDesired ? RD | RA : RA;
  view.setUint16(2, QR | AA | asked | (cut ? TC : 0) | rcode);
  view.setUint16(4, 1);
  view.setUint16(6, records.length);
  message.set(question.bytes, HEADER_BYTES);
  for (const [i, address] of records.entries()) {
    const at = head + i * ADDRESS_RECORD_BYTES;
    view.setUint16(at, NAME_POINTER);
    view.setUint16(at + 2, TYPE_A);
    view.setUint16(at + 4, CLASS_IN);
    view.setUint32(at + 6, ttlSeconds);
    view.setUint16(at + 10, 4);
    message.set(address.split('.').map(Number), at + 12);
  }
  return message;
}
