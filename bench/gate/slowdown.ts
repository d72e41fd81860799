/**
 * A tree made slower on purpose, to show that the regression gate sees it. The product has no switch
 * for this: the spin is written into a copy of the tree.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Where each request passes once, whatever carries it. */
const FILE = 'proxy/attempt/exchanges.ts';
const CALL = 'exchange.open(downstream, head, body);';

/** Makes every exchange of the copy at `root` spin for `us` microseconds first. */
export function addSlowdown(root: string, us: number): void {
  const file = path.join(root, FILE);
  const source = readFileSync(file, 'utf8');
  const parts = source.split(CALL);
  if (parts.length !== 2)
    throw new Error(`${FILE} has not exactly one "${CALL}": mend slowdown.ts`);
  const spin = `for (const until = performance.now() + ${us / 1000}; performance.now() < until; );`;
  writeFileSync(file, parts.join(`${spin}\n    ${CALL}`));
}
