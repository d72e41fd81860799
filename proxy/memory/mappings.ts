/**
 * Which memory of this process is a clean copy of a file: pages that can be dropped, because the
 * kernel reads them again from the file (its page cache, as a rule) when they are touched.
 *
 *   7f3c00000000-7f3c00001000 r-xp 00000000 fe:00 1234     /usr/bin/node     <- head of a mapping
 *   Size:                  4 kB                                              <- its fields
 *   Rss:                   4 kB
 *   VmFlags: rd ex mr mw me
 *
 * Source: proc_pid_smaps(5).
 */

/** A mapping, as /proc/PID/smaps has it. */
export interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  /** "r-xp": read, write, execute, private or shared. */
  readonly permissions: string;
  readonly inode: number;
  /** File, "[heap]" or the like, or empty. */
  readonly path: string;
  /** Kilobytes by field name, as `Rss` and `Private_Dirty`. */
  readonly kilobytes: ReadonlyMap<string, number>;
  /** Two letters each, as "rd"; undefined when the kernel did not say. */
  readonly flags: readonly string[] | undefined;
}

const HEAD =
  /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps]) [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ (\d+)(?: +(.*))?$/;
const FIELD = /^(\w+): +(\d+) kB$/;
const FLAGS = /^VmFlags:((?: [a-z0-9]{2})*) ?$/;
/** A field that is no amount of memory, as `THPeligible: 0`. */
const OTHER = /^\w+: +\d+$/;

/** The mappings of an smaps text; undefined when a line of it is not understood. */
export function parseMappings(text: string): readonly Mapping[] | undefined {
  const mappings: Mapping[] = [];
  let kilobytes: Map<string, number> | undefined;
  for (const line of text.split('\n')) {
    const head = HEAD.exec(line);
    if (head !== null) {
      const [, start = '', end = '', permissions = '', inode = '', path = ''] = head;
      kilobytes = new Map();
      mappings.push({
        start: BigInt(`0x${start}`),
        end: BigInt(`0x${end}`),
        permissions,
        inode: Number(inode),
        path,
        kilobytes,
        flags: undefined,
      });
      continue;
    }
    if (line === '') continue;
    if (kilobytes === undefined) return undefined;
    const field = FIELD.exec(line);
    const flags = FLAGS.exec(line);
    if (field !== null) kilobytes.set(field[1] ?? '', Number(field[2]));
    else if (flags !== null) {
      const last = mappings.pop();
      if (last !== undefined)
        mappings.push({ ...last, flags: (flags[1] ?? '').split(' ').filter(Boolean) });
    } else if (!OTHER.test(line)) return undefined;
  }
  return mappings;
}

const PAGE_BYTES = 4096n;
const READ_ONLY = new Set(['r--p', 'r-xp']);
/** Locked, shared, device, no dump of it, huge pages of a pool: nothing that we mean. */
const UNWANTED_FLAGS = ['lo', 'sh', 'io', 'pf', 'dd', 'ht', 'um', 'uw'];
/** Files that are memory. */
const NO_FILES = ['/dev/', '/memfd:', '/SYSV', '/anon_hugepage', '/proc/', '/sys/'];

/**
 * Whether dropping the pages of the mapping loses nothing: a private, read-only mapping of a file
 * that is still there, with no page of it changed. All of it must be said; silence means no.
 */
export function isDroppable(mapping: Mapping): boolean {
  const { end, flags, inode, kilobytes, path, permissions, start } = mapping;
  const isFile =
    inode > 0 &&
    path.startsWith('/') &&
    !path.endsWith(' (deleted)') &&
    !NO_FILES.some((prefix) => path.startsWith(prefix));
  const isWhole =
    start < end &&
    start % PAGE_BYTES === 0n &&
    BigInt(kilobytes.get('Size') ?? -1) * 1024n === end - start;
  const isClean = ['Private_Dirty', 'Anonymous', 'Swap', 'Locked'].every(
    (name) => kilobytes.get(name) === 0,
  );
  return (
    READ_ONLY.has(permissions) &&
    isFile &&
    isWhole &&
    isClean &&
    // A condition of safety, no saving: pages that are in use now could be read from the file. One
    // of which nothing is resident may be past the file's end, or on storage that is gone: SIGBUS.
    (kilobytes.get('Rss') ?? 0) > 0 &&
    flags !== undefined &&
    flags.includes('rd') &&
    !flags.includes('wr') &&
    !UNWANTED_FLAGS.some((flag) => flags.includes(flag))
  );
}
