/**
 * `npm run bench:micro [-- NAME…] [--json FILE]`: what each operation of the data path costs.
 * NAME selects the cases whose name holds it.
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CASES } from './cases.ts';
import { type Cost, measure } from './measure.ts';

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' } },
  allowPositionals: true,
});
const wanted = CASES.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
if (wanted.length === 0) {
  process.stderr.write(
    `No case is named so. There are: ${CASES.map((one) => one.name).join(', ')}.\n`,
  );
  process.exit(64);
}

const NAME_COLUMNS = Math.max(...wanted.map(({ name }) => name.length));
const line = (name: string, ...cells: readonly string[]): void => {
  const row = cells.map((cell) => cell.padStart(16)).join('');
  process.stdout.write(`${name.padEnd(NAME_COLUMNS)}${row}\n`);
};

line('', 'ns/operation', '95 % interval', 'bytes/operation', 'n');
for (const { name, setup } of wanted) {
  const cost: Cost = measure(setup());
  const { ns, nsLow, nsHigh, bytes, n } = cost;
  line(name, ns.toFixed(1), `${nsLow.toFixed(1)}-${nsHigh.toFixed(1)}`, bytes.toFixed(0), `${n}`);
  if (values.json !== undefined) {
    appendFileSync(values.json, `${JSON.stringify({ type: 'micro', name, ...cost })}\n`);
  }
}
