/** Ranges of IPv4 addresses, as `--pod-range` and `--service-range` name them. */

/** 10.199.0.0/16: `base` is its first address as a number. */
export interface IpRange {
  readonly base: number;
  /** 8 to 29. */
  readonly prefixLength: number;
}

const PREFIX_LENGTH_MIN = 8;
/** A gateway and a few pods have room. */
const PREFIX_LENGTH_MAX = 29;
const BITS = 32;

/** A range "A.B.C.D/N" without host bits; undefined when the text is none. */
export function parseIpRange(text: string): IpRange | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const base = parseIpv4(address);
  if (base === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length)) return undefined;
  const prefixLength = Number(length);
  if (prefixLength < PREFIX_LENGTH_MIN || prefixLength > PREFIX_LENGTH_MAX) return undefined;
  const range = { base, prefixLength };
  return base % sizeOf(range) === 0 ? range : undefined;
}

/** "A.B.C.D" as a number; undefined when the text is no such address. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** The number as "A.B.C.D". */
export const formatIpv4 = (value: number): string =>
  [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');

/** "10.199.0.0/16". */
export const formatIpRange = ({ base, prefixLength }: IpRange): string =>
  `${formatIpv4(base)}/${prefixLength}`;

/** Addresses in the range, the first and the last too. */
export const sizeOf = ({ prefixLength }: IpRange): number => 2 ** (BITS - prefixLength);

/** The `n`-th address after the first. */
export const addressAt = ({ base }: IpRange, n: number): string => formatIpv4(base + n);

/** The first `prefixLength` bits of both are the same, as far as both have them. */
export const overlap = (a: IpRange, b: IpRange): boolean =>
  a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);
