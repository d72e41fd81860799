/** Table nat as iptables-save prints it, and which part of it is ours. */
import { OWN_CHAINS } from './interception-rules.ts';
import { readLine } from './rule.ts';

/** Table nat of one family and back end. */
export interface SavedNat {
  /** False when the kernel keeps no such table in this namespace: nobody has used it. */
  readonly exists: boolean;
  /** Every chain, with its policy; "-" for those that the kernel does not call by itself. */
  readonly chains: ReadonlyMap<string, string>;
  /** Every rule as a line that begins with "-A ", in the order of the text. */
  readonly rules: readonly string[];
}

/** A rule of somebody else's chain that leads into ours. */
export interface OwnJump {
  readonly chain: string;
  /** From 1, in its chain; undefined for one that goes to the end. */
  readonly position: number | undefined;
  /** "-A CHAIN …" */
  readonly line: string;
}

/** Our part of the table: lines as printed. */
export interface OwnPart {
  readonly chains: readonly string[];
  readonly rules: readonly string[];
  readonly jumps: readonly OwnJump[];
}

/** Nothing of ours. */
export const NOTHING: OwnPart = { chains: [], rules: [], jumps: [] };

/** No table at all. */
const ABSENT: SavedNat = { exists: false, chains: new Map(), rules: [] };

/**
 * Reads what iptables-save printed, of all tables or of nat alone. Undefined when table nat holds what
 * the nft tool made and iptables cannot print.
 */
export function readSavedNat(text: string): SavedNat | undefined {
  if (/^# Table `nat' is incompatible/m.test(text)) return undefined;
  const lines = text.split('\n').map((line) => line.trim());
  const start = lines.indexOf('*nat');
  if (start === -1) return ABSENT;
  const chains = new Map<string, string>();
  const rules: string[] = [];
  for (const line of lines.slice(start + 1)) {
    if (line === 'COMMIT') break;
    const declared = /^:(\S+) (\S+)/.exec(line);
    if (declared !== null) chains.set(declared[1] ?? '', declared[2] ?? '-');
    else if (line.startsWith('-A ')) rules.push(line);
  }
  return { exists: true, chains, rules };
}

/** What of the table is ours: by the names of our chains. */
export function ownPart({ chains, rules }: SavedNat): OwnPart {
  const own = OWN_CHAINS.filter((chain) => chains.has(chain));
  const inOwn: string[] = [];
  const jumps: OwnJump[] = [];
  const positions = new Map<string, number>();
  for (const line of rules) {
    const read = readLine(line);
    if (read === undefined) continue;
    const position = (positions.get(read.chain) ?? 0) + 1;
    positions.set(read.chain, position);
    if (OWN_CHAINS.includes(read.chain)) inOwn.push(line);
    else if (OWN_CHAINS.includes(read.target)) jumps.push({ chain: read.chain, position, line });
  }
  return { chains: own, rules: inOwn, jumps };
}

/** Whether anything of ours is there. */
export const isNothing = ({ chains, jumps }: OwnPart): boolean =>
  chains.length === 0 && jumps.length === 0;

/** Whether two parts do the same to every packet: spelling, comments and positions aside. */
export const sameOwnPart = (a: OwnPart, b: OwnPart): boolean =>
  keyOf(a.chains.toSorted()) === keyOf(b.chains.toSorted()) &&
  keyOf(byChain(a.rules)) === keyOf(byChain(b.rules)) &&
  sameJumps(a, b);

/** As `sameOwnPart`, for what leads into our chains. */
export const sameJumps = (a: OwnPart, b: OwnPart): boolean =>
  keyOf(byChain(a.jumps.map(({ line }) => line))) ===
  keyOf(byChain(b.jumps.map(({ line }) => line)));

const keyOf = (texts: readonly string[]): string => texts.join('\n');

/** What lines say, the order of chains aside; the order in a chain counts. */
function byChain(lines: readonly string[]): readonly string[] {
  const read = lines.map((line) => readLine(line)).filter((each) => each !== undefined);
  return read
    .toSorted((a, b) => (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : 0))
    .map(({ chain, said }) => `${chain} ${said}`);
}

/** Our jumps that rules of others stand before: those decide first. */
export const jumpsBehindOthers = ({ jumps }: OwnPart): readonly OwnJump[] =>
  jumps.filter(({ position }) => position !== undefined && position > 1);
