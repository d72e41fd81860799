/** Numbers as people read them: three significant digits, and the unit that keeps them short. */

/** What stands where there is no number. */
export const NOTHING = '–';

const THOUSANDS: readonly (readonly [size: number, suffix: string])[] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e4, 'k'],
];

/** 0.123, 1.23, 12.3, 123, 1234, 12.3k, 1.23M; a dash when it is not finite. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  const [unit, suffix] = THOUSANDS.find(([least]) => size >= least) ?? [1, ''];
  // A thousand is k also below the limit of 10k, which only decides when it is used.
  const scale = suffix === 'k' ? 1e3 : unit;
  return `${scale === 1 ? digits(value) : digits(value / scale)}${suffix}`;
}

/** Microseconds as "850 us", "1.23 ms" or "2 s". */
export function duration(us: number): string {
  if (!Number.isFinite(us)) return NOTHING;
  const size = Math.abs(us);
  if (size < 1_000) return `${digits(us)} us`;
  return size < 1e6 ? `${digits(us / 1_000)} ms` : `${digits(us / 1e6)} s`;
}

/** Kilobytes as megabytes, one decimal below a hundred. */
export function megabytes(kilobytes: number): string {
  return Number.isFinite(kilobytes) ? digits(kilobytes / 1_024) : NOTHING;
}

/** A number and its interval, as "18.2 17.9-18.6". */
export function bounded(
  { value, low, high }: { readonly value: number; readonly low: number; readonly high: number },
  scale = 1,
): string {
  if (low === high) return amount(value * scale);
  return `${amount(value * scale)} ${amount(low * scale)}-${amount(high * scale)}`;
}

/** A percentile's name, as "p99.9" of 0.999. */
export function percentile(quantile: number): string {
  return `p${Number((quantile * 100).toFixed(4))}`;
}

/** Seconds as "1 h 5 min", "3 min 20 s" or "12 s". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s`;
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** At most three significant digits, without trailing zeros, whole from 100 on. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.9995) return value.toFixed(2);
  return value === 0 ? '0' : String(Number(value.toPrecision(2)));
}
