/** Options that several commands share. The word in <…> says what to complete (completion/). */
import { InvalidArgumentError, Option } from 'commander';
import { parseSocketAddress } from '../base/settings.ts';
import type { SocketAddress } from '../base/settings.ts';
import { parseIpRange } from './dev/netns/ip-range.ts';
import type { IpRange } from './dev/netns/ip-range.ts';
import { parseDuration } from './duration.ts';
import type { DurationRange } from './duration.ts';

/** Of every command that asks the mesh API. */
export interface WithApi {
  readonly api: SocketAddress;
}

function parseAddress(text: string): SocketAddress {
  const address = parseSocketAddress(text);
  if (address === undefined) throw new InvalidArgumentError('It is ADDRESS:PORT.');
  return address;
}

/** An option that takes ADDRESS:PORT; on this machine at `port` by default, without one none. */
export function addressOption(flags: string, text: string, port?: number): Option {
  const option = new Option(flags, text).argParser(parseAddress);
  if (port === undefined) return option;
  return option.default({ host: '127.0.0.1', port }, `127.0.0.1:${port}`);
}

function parseRange(text: string): IpRange {
  const range = parseIpRange(text);
  if (range === undefined) {
    throw new InvalidArgumentError('It is A.B.C.D/N: the first address of a range, N 8 to 29.');
  }
  return range;
}

/** An option that takes a range of IPv4 addresses. */
export const rangeOption = (flags: string, text: string, range: string): Option =>
  new Option(flags, text).argParser(parseRange).default(parseRange(range), range);

/** `--api`, also by the environment. */
export const apiOption = (): Option =>
  addressOption('--api <address>', 'public API of the controller', 8085).env('CULVERT_API');

/** `-o`, the first format by default. */
export const outputOption = (...formats: readonly string[]): Option =>
  new Option('-o, --output <format>', 'how to print').choices(formats).default(formats[0]);

/** An option that takes a duration and gives whole seconds; its description is what is allowed. */
export const durationOption = (flags: string, text: string, range: DurationRange): Option =>
  new Option(flags, `${text}: ${range.allowed}`).argParser((given) => {
    const seconds = parseDuration(given, range);
    if (seconds === undefined) throw new InvalidArgumentError(`It is ${range.allowed}.`);
    return seconds;
  });
