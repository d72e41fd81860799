/** Lists of ports as people write them in annotations and flags: "3306,4444-4450,mysql". */

/** Ports `first` to `last`, both included; 1 to 65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** What such a text holds. */
export interface PortList {
  /** In the order of the text; a single port is a range of one. */
  readonly ranges: readonly PortRange[];
  /** Names of ports, for who knows what they are called. */
  readonly names: readonly string[];
}

/** The largest port. */
export const PORT_MAX = 65_535;

/** What a list may hold, for messages. */
export const PORT_LIST_WORDS = 'a list of ports, ranges and port names, as "3306,4444-4450,mysql"';

/** A DNS label with a letter in it: what Kubernetes lets ports be called. */
const PORT_NAME = /^(?=.{1,63}$)(?=.*[a-z])[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/**
 * Reads a list whose parts are separated by commas, with spaces around them as one likes. An empty
 * text is an empty list. Returns the first part that is none as a text, when there is one.
 */
export function parsePortList(text: string): PortList | string {
  const ranges: PortRange[] = [];
  const names: string[] = [];
  if (text.trim() === '') return { ranges, names };
  for (const part of text.split(',').map((one) => one.trim())) {
    const range = parsePortRange(part);
    if (range !== undefined) ranges.push(range);
    else if (PORT_NAME.test(part) && !/^\d+-\d+$/.test(part)) names.push(part);
    else return part;
  }
  return { ranges, names };
}

/** "3306" or "4444-4450"; undefined when the text is neither. */
export function parsePortRange(text: string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  return first >= 1 && first <= last && last <= PORT_MAX ? { first, last } : undefined;
}

/** As `parsePortList` reads it. */
export const formatPortList = (ranges: readonly PortRange[]): string =>
  ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');

/** The same ports in as few ranges as say them, in their order. */
export function mergeRanges(ranges: readonly PortRange[]): readonly PortRange[] {
  const merged: { readonly first: number; last: number }[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before === undefined || first > before.last + 1) merged.push({ first, last });
    else before.last = Math.max(before.last, last);
  }
  return merged;
}

/** Whether a range of the list has the port. */
export const hasPort = (ranges: readonly PortRange[], port: number): boolean =>
  ranges.some(({ first, last }) => first <= port && port <= last);
