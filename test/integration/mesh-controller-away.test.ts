import { it } from 'node:test';
import { controllerAway } from '../support/controller-away.ts';

const AWAY_MS = 4_000;

it('mesh serves without its controller and goes on with it when it is back', async (t) => {
  await controllerAway(AWAY_MS, (line) => t.diagnostic(line));
});
