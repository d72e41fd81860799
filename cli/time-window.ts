/** Time windows of the command line: `30s`, `1m`, `1h`, `1m30s`. */

const WINDOW_SECONDS_MIN = 10;
const WINDOW_SECONDS_MAX = 3_600;

/** Whole seconds, 10 to 3600; undefined when the text is no such window. */
export function parseTimeWindow(text: string): number | undefined {
  const match = /^(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,4})s)?$/.exec(text);
  if (match === null) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  const windowSeconds = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  const allowed = windowSeconds >= WINDOW_SECONDS_MIN && windowSeconds <= WINDOW_SECONDS_MAX;
  return allowed ? windowSeconds : undefined;
}

/** What `parseTimeWindow` takes, for messages. */
export const TIME_WINDOW_ALLOWED = '10s to 1h, as 30s, 1m or 1h';

/** The shortest way to write a window of whole seconds: 60 is "1m", 90 is "1m30s". */
export function formatTimeWindow(windowSeconds: number): string {
  const hours = Math.floor(windowSeconds / 3_600);
  const minutes = Math.floor((windowSeconds % 3_600) / 60);
  const seconds = windowSeconds % 60;
  const text = `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}`;
  return seconds > 0 || text === '' ? `${text}${seconds}s` : text;
}
