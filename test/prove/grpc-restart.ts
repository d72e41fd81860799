/**
 * Rolling restarts of a gRPC service whose connections end by their age, under load, 20 times over
 * (or the first argument): no unary call fails, and a stream ends with UNAVAILABLE only when its own
 * server went. Then aging alone, of servers of both implementations.
 */
import { GRPCS, withoutGrpcio } from '../support/grpc-peers.ts';
import { ageUnderLoad, restartUnderLoad, type RestartTotals } from '../support/grpc-restart.ts';
import { argument, conclude, say } from '../support/proof.ts';

/** Of aging, for each round of restarts. */
const AGING_MS = 3_000;

const rounds = argument('rounds', 20);
const problems: string[] = [];
const rows: Record<string, number | string> = {};

function tell(what: string, totals: RestartTotals): void {
  rows[`${what}: unary calls`] = totals.calls;
  rows[`${what}: streams`] = `${totals.streams}, ${totals.cut} cut with their server`;
  rows[`${what}: connections of the sidecar`] = totals.connections;
  problems.push(...totals.problems.map((problem) => `${what}: ${problem}`));
}

const restarted = await restartUnderLoad(rounds, say);
rows['restarts of a replica'] = restarted.restarts;
tell('restarts', restarted);
if (restarted.cut === 0) problems.push('no stream was cut: nothing was proved of those');
for (const kind of GRPCS) {
  const missing = kind === 'core' && withoutGrpcio();
  if (missing !== false) problems.push(missing);
  else tell(`aging of ${kind}`, await ageUnderLoad(kind, rounds * AGING_MS));
}
conclude(`grpc-restart, ${rounds} rounds`, rows, problems);
