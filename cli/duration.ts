/** Durations of the command line: `30s`, `1m`, `1h`, `1m30s`. */

/** Bounds of a duration, whole seconds, and how a message says them. */
export interface DurationRange {
  readonly secondsMin: number;
  readonly secondsMax: number;
  readonly allowed: string;
}

/** Time windows that the API takes. */
export const TIME_WINDOW: DurationRange = {
  secondsMin: 10,
  secondsMax: 3_600,
  allowed: '10s to 1h, as 30s, 1m or 1h',
};

/** Reports come each second: to look more often shows nothing new. */
export const WATCH_INTERVAL: DurationRange = {
  secondsMin: 1,
  secondsMax: 3_600,
  allowed: '1s to 1h, as 1s, 30s or 1m',
};

/** How long to wait for a sidecar: it is ready within a second, but its image may have to come. */
export const READY_TIMEOUT: DurationRange = {
  secondsMin: 1,
  secondsMax: 3_600,
  allowed: '1s to 1h, as 30s or 1m',
};

/** Whole seconds within the range; undefined when the text is no such duration. */
export function parseDuration(text: string, range: DurationRange): number | undefined {
  const match = /^(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,4})s)?$/.exec(text);
  if (match === null) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  const total = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  return total >= range.secondsMin && total <= range.secondsMax ? total : undefined;
}

/** The shortest way to write whole seconds: 60 is "1m", 90 is "1m30s". */
export function formatDuration(totalSeconds: number): string {
  const hours = Math.floor(totalSeconds / 3_600);
  const minutes = Math.floor((totalSeconds % 3_600) / 60);
  const seconds = totalSeconds % 60;
  const text = `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}`;
  return seconds > 0 || text === '' ? `${text}${seconds}s` : text;
}
