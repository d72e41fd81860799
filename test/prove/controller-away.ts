/**
 * Kills the controller under load for 30 s (or the first argument, seconds): no request fails,
 * what changed meanwhile is applied, every request is counted once.
 */
import { controllerAway } from '../support/controller-away.ts';
import { argument, conclude, say } from '../support/proof.ts';

const seconds = argument('seconds', 30);
const report = await controllerAway(seconds * 1_000, say);
conclude(`controller away for ${seconds} s`, { ...report }, []);
