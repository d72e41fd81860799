/**
 * A tree made slower on purpose, to show that the regression gate sees it. The product has no switch
 * for this: the work is written into a copy of the tree.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Where each request passes once, whatever carries it. */
const FILE = 'proxy/attempt/exchanges.ts';
const CALL = 'exchange.open(downstream, head, body, protocol);';
const ADDED = /\/\* slower \*\/.*\n/;

/**
 * Makes every exchange of the copy at `root` take `steps` more steps of arithmetic: work, not time
 * that passes, so that what runs beside it takes nothing from it. Called again it sets another number.
 */
export function addSlowdown(root: string, steps: number): void {
  const file = path.join(root, FILE);
  const source = readFileSync(file, 'utf8').replace(ADDED, '');
  const parts = source.split(CALL);
  if (parts.length !== 2)
    throw new Error(`${FILE} has not exactly one "${CALL}": mend slowdown.ts`);
  // The result is used, or the compiler would leave the loop out.
  const loop = `let x = body | 1; for (let i = 0; i < ${Math.round(steps)}; i++) x = Math.imul(x, 69069) + i;`;
  const use = `if (x === body + 0.5) throw new Error('unreachable');`;
  writeFileSync(file, parts.join(`/* slower */ { ${loop} ${use} }\n    ${CALL}`));
}
