/**
 * Sends 1 GB each way through tunnels that end their halves at random: every byte arrives. Tunnels of TCP,
 * of CONNECT and of upgrades, through two sidecars in a row, over HTTP/1.1 and HTTP/2. The first argument
 * is how many megabytes each kind carries each way; a seed, which is printed, brings a run back.
 */
import { argument, conclude, say } from '../support/proof.ts';
import { seedOfRun } from '../support/random.ts';
import { TUNNEL_WAYS, sendByTunnels } from '../support/tunnel-bytes.ts';

const MIB = 2 ** 20;

const megabytes = argument('megabytes', 1_024);
const seed = seedOfRun();
const rows: Record<string, string> = {};
const problems: string[] = [];

say(`CULVERT_TEST_SEED=${seed}`);
for (const way of TUNNEL_WAYS) {
  const report = await sendByTunnels(way, Math.round(megabytes * MIB), seed);
  const seconds = (report.tookMs / 1_000).toFixed(1);
  const [first, second] = report.resident.map((bytes) => (bytes / 1e6).toFixed(0));
  rows[way.name] =
    `${report.tunnels} tunnels in ${seconds} s; RSS ${first} MB outbound, ${second} MB inbound`;
  say(`${way.name}: ${rows[way.name]}, ${report.problems.length} problems`);
  problems.push(...report.problems.map((problem) => `${way.name}: ${problem}`));
}
conclude(`${megabytes} MB each way, CULVERT_TEST_SEED=${seed}`, rows, problems);
