/** Days of simulated churn: whole proxies, a fake clock, faults from a seed (docs/simulation.md). */
import { test } from 'node:test';
import { liveDay } from './simulation.ts';

/** More of them are lived in CI: `npm run prove -- simulation`. */
const SEEDS = [1, 2];

const given = process.env['CULVERT_TEST_SEED'];
const seeds = given === undefined ? SEEDS : [Number(given)];

for (const seed of seeds) {
  test(`a day of churn of seed ${seed} loses no request and leaves nothing behind`, async (t) => {
    const { events, faults, outcomes, requests } = await liveDay(seed);
    t.diagnostic(`${requests} requests, ${faults} faults, ${events} events`);
    t.diagnostic(JSON.stringify(outcomes));
  });
}
