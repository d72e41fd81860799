/** What the tables show of an arm in a phase, on the terminal and in HTML alike. */
import type { ArmName } from '../model.ts';
import { addedLatency, canTell, mergeCounts, totalOf } from '../stats/merge.ts';
import { amount, bounded, megabytes, percentile } from './format.ts';
import type { ArmPlace, RunIndex } from './run-index.ts';

/** One column; a cell without a source is undefined, and a column of such cells is left out. */
export interface FigureColumn {
  readonly title: string;
  /** What it says, in a sentence. */
  readonly meaning: string;
  readonly cell: (index: RunIndex, place: ArmPlace) => string | undefined;
  /** Companions that a terminal has no room for. */
  readonly pageOnly?: boolean;
}

const DIRECT = 'direct';
const ADDED_QUANTILES: readonly number[] = [0.5, 0.9, 0.99, 0.999];

const figure = (
  name: string,
  title: string,
  meaning: string,
  show: (value: number) => string = amount,
): FigureColumn => ({
  title,
  meaning,
  cell: (index, place) => {
    const found = index.figure(place, name);
    return found === undefined ? undefined : show(found.value);
  },
});

const cpu: FigureColumn = {
  title: 'CPU us/request',
  meaning:
    'user and system time of all its processes a request: median of the blocks, 95 % interval',
  cell: (index, place) => {
    const found = index.figure(place, 'cpuUsPerRequest');
    return found === undefined ? undefined : bounded(found);
  },
};

const ratio = (against: ArmName, title: string): FigureColumn => ({
  title,
  meaning: `CPU a request as a multiple of that of ${against}, paired by round, 95 % interval`,
  cell: (index, place) => {
    const found = index.comparison(place, 'cpuUsPerRequest', against, 'ratio');
    if (found !== undefined) return bounded(found);
    return place.arm === against && index.figure(place, 'cpuUsPerRequest') ? '1' : undefined;
  },
});

const added = (quantile: number): FigureColumn => ({
  title: `+${percentile(quantile)} us`,
  meaning: `${percentile(quantile)} of all its blocks merged, less that of direct, whose own is in brackets`,
  cell: (index, place) => {
    const curve = index.curve(place);
    const base = index.curve({ ...place, arm: DIRECT });
    if (curve === undefined || base === undefined) return undefined;
    const counts = mergeCounts([curve.counts]);
    const direct = mergeCounts([base.counts]);
    if (!canTell(Math.min(totalOf(counts), totalOf(direct)), quantile)) return undefined;
    const found = addedLatency(counts, direct, [quantile])?.[0];
    if (found === undefined) return undefined;
    return place.arm === DIRECT ? `(${amount(found.us)})` : amount(found.addedUs);
  },
});

const errors: FigureColumn = {
  title: 'err',
  meaning: 'requests without a whole answer',
  cell: (index, place) => {
    const tally = index.tally(place);
    return tally === undefined ? undefined : amount(tally.errors);
  },
};

const samples: FigureColumn = {
  title: 'n',
  meaning: 'valid blocks; of how many, where some were void and repeated',
  cell: (index, place) => {
    const tally = index.tally(place);
    if (tally === undefined) return undefined;
    const voided = Object.values(tally.voided).reduce((sum, each) => sum + each, 0);
    return voided === 0 ? String(tally.valid) : `${tally.valid}/${tally.valid + voided}`;
  },
};

const percent = (share: number): string => `${Math.round(share * 100)}%`;

const companion = (name: string, title: string, meaning: string): FigureColumn => ({
  ...figure(name, title, meaning),
  pageOnly: true,
});

/** In the order of reading. */
const FIGURE_COLUMNS: readonly FigureColumn[] = [
  cpu,
  ratio('haproxy', 'x HAProxy'),
  ratio('culvert-base', 'x base'),
  figure('maxRatePerCore', 'rps/core', 'requests a second that one core could carry at that cost'),
  ...ADDED_QUANTILES.map(added),
  figure('utilisation', 'util', 'cores it kept busy; near 100 % its queue grows', percent),
  figure('readyMs', 'ready ms', 'start of the process until it is ready'),
  figure('firstAnswerMs', 'answer ms', 'start of the process until its first answer'),
  figure('startCpuMs', 'start CPU ms', 'user and system time of its start'),
  figure('rssKb', 'RSS MB', 'resident memory, shared file pages included', megabytes),
  figure('rssAnonKb', 'anon MB', 'resident memory that is its own', megabytes),
  figure('pssKb', 'PSS MB', 'resident memory, shared pages counted in parts', megabytes),
  figure('garbageBytesPerRequest', 'garbage', 'bytes allocated a request'),
  figure('syscallsPerRequest', 'syscalls', 'system calls a request'),
  figure('greetingUs', 'greeting us', 'dial to the first byte of a server that speaks first'),
  figure('afterDialUs', 'after dial us', "the proxy's own dial to that byte"),
  figure('kbPerIdleConnection', 'kB/idle', 'own memory that an idle connection costs'),
  companion('userUsPerRequest', 'user us', 'user time a request'),
  companion('sysUsPerRequest', 'system us', 'system time a request'),
  companion('ratePerSecond', 'rps', 'requests a second that were answered'),
  companion('gcPausesPerSecond', 'GC/s', 'garbage collections a second'),
  companion('gcPauseMsMean', 'GC ms', 'mean pause of a garbage collection'),
  companion('loopLagMsMax', 'lag ms', 'longest that an event loop was late'),
  errors,
  samples,
];

/** The columns of `medium` that some arm of the phase has a cell for. */
export function columnsOf(
  index: RunIndex,
  places: readonly ArmPlace[],
  medium: 'terminal' | 'page',
): readonly FigureColumn[] {
  const columns = FIGURE_COLUMNS.filter(({ pageOnly }) => medium === 'page' || pageOnly !== true);
  return columns.filter(({ cell }) => places.some((place) => cell(index, place) !== undefined));
}
