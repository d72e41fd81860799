/**
 * `load-main.ts HOST:PORT LOAD_REQUESTS`: a `Load` as a process of its own, for who wants it in a
 * network namespace. Says on standard output how many answers it had, a line each 20 ms, and after
 * the end of its standard input what came of it.
 */
import { once } from 'node:events';
import { Load } from './load.ts';
import { optionsOf, type LoadRequests } from './load-requests.ts';

const PROGRESS_MS = 20;

const [address = '', plan = '{}'] = process.argv.slice(2);
const load = new Load(address, optionsOf(JSON.parse(plan) as LoadRequests));
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const progress = setInterval(() => say({ succeeded: load.succeeded }), PROGRESS_MS);
await once(process.stdin.resume(), 'end');
clearInterval(progress);
const { failedByLine, ...totals } = await load.stop();
say({ totals: { ...totals, failedByLine: [...failedByLine] } });
