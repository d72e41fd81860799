/** Table nat of one family through one back end of iptables: look, check, change. */
import { InitFailure } from './failure.ts';
import type { Ran, Runner } from './runner.ts';
import { readSavedNat } from './saved-nat.ts';
import type { SavedNat } from './saved-nat.ts';
import type { Family } from './subnet.ts';

/** The kernel has two ways of keeping tables; each has programs of its own, and does not see the other's. */
export type Backend = 'nft' | 'legacy';
/** Both, the better one first. */
export const BACKENDS: readonly Backend[] = ['nft', 'legacy'];

/** How messages call a family. */
export const FAMILY_NAMES: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };

/** How long a program waits for others to let go of the tables. */
const LOCK_S = 5;
/** Of a program's message; the rest is usage. */
const SHOWN_LENGTH = 300;

/** See above. Every method answers with a value; none rejects. */
export class NatTable {
  readonly backend: Backend;
  readonly family: Family;
  readonly #run: Runner;
  readonly #programs: string;

  constructor(run: Runner, backend: Backend, family: Family) {
    this.backend = backend;
    this.family = family;
    this.#run = run;
    this.#programs = `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}`;
  }

  /** The program that changes the table, for people who want to do it by hand. */
  get restoreCommand(): string {
    return `${this.#programs}-restore ${this.#restoreArgs().join(' ')}`;
  }

  /** What is in the table. All tables are asked for: asking legacy for one would make it. */
  async read(): Promise<SavedNat | InitFailure> {
    const program = `${this.#programs}-save`;
    const ran = await this.#run(program, [], '');
    if (ran.code !== 0) return this.#failure(program, ran);
    const saved = readSavedNat(ran.stdout);
    if (saved !== undefined) return saved;
    return new InitFailure(
      `Table nat of ${FAMILY_NAMES[this.family]} holds rules that ${program} cannot show: the nft tool made them.`,
    );
  }

  /** Whether the programs understand the change; changes nothing. */
  check(text: string): Promise<InitFailure | undefined> {
    return this.#restore(['--test', ...this.#restoreArgs()], text);
  }

  /** Makes the change, whole or not at all. */
  commit(text: string): Promise<InitFailure | undefined> {
    return this.#restore(this.#restoreArgs(), text);
  }

  /** Takes the whole table away. Only the nft tool can; a table that is in use stays. */
  async dropTable(): Promise<InitFailure | undefined> {
    const ran = await this.#run(
      'nft',
      ['delete', 'table', this.family === 'ipv4' ? 'ip' : 'ip6', 'nat'],
      '',
    );
    return ran.code === 0 ? undefined : this.#failure('nft', ran, 'nftables');
  }

  #restoreArgs(): readonly string[] {
    return ['--noflush', `--wait=${LOCK_S}`];
  }

  async #restore(args: readonly string[], text: string): Promise<InitFailure | undefined> {
    const program = `${this.#programs}-restore`;
    const ran = await this.#run(program, args, text);
    return ran.code === 0 ? undefined : this.#failure(program, ran);
  }

  #failure(program: string, ran: Ran, debianPackage = 'iptables'): InitFailure {
    if (ran.missing) {
      return new InitFailure(`${program} is not installed: apt-get install ${debianPackage}.`);
    }
    const said = ran.stderr.trim().replaceAll(/\s*\n\s*/g, ' ');
    const shown = said.length > SHOWN_LENGTH ? `${said.slice(0, SHOWN_LENGTH)}…` : said;
    const ended = ran.code === undefined ? 'was ended' : `failed with code ${ran.code}`;
    return new InitFailure(
      `${program} ${ended}${shown === '' ? '' : `, saying: ${shown}`}${this.#reason(said)}`,
    );
  }

  /** In plain words, where the program's own are known. */
  #reason(said: string): string {
    const family = FAMILY_NAMES[this.family];
    if (/table does not exist|can't initialize|unable to initialize/i.test(said)) {
      return ` (The kernel has no table nat for ${family} that this back end can use; try the other --backend.)`;
    }
    if (/must be root|permission denied|operation not permitted/i.test(said)) {
      return ' (It needs root, or CAP_NET_ADMIN and CAP_NET_RAW, in this network namespace.)';
    }
    if (/xtables\.lock/.test(said)) {
      return ' (It needs to write /run/xtables.lock: mount a writable /run.)';
    }
    if (/another app is currently holding the xtables lock/i.test(said)) {
      return ' (Another program holds the tables: try again.)';
    }
    return '';
  }
}
