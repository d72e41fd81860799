/**
 * Sends 10,000 random pairs of messages through sidecars, alone and chained, then bodies of 1 GB
 * each way, by length and in chunks: every byte arrives, and no sidecar holds the large ones. The
 * first argument is how many thousands of pairs; each thousand is a run of
 * test/integration/bytes.test.ts with its own seed, which a failure names.
 */
import { runCommand } from '../run-command.ts';
import { residentBytes } from '../support/kernel-sockets.ts';
import {
  type Digest,
  LargeBodies,
  downloadLarge,
  serveLargeBodies,
  uploadLarge,
} from '../support/large-body.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { Random, seedOfRun } from '../support/random.ts';
import { dial, PeerServer, splitAddress } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const TEST = 'test/integration/bytes.test.ts';
const MIB = 2 ** 20;
const LARGE_BYTES = 1_024 * MIB;
const GROWTH_BYTES_MAX = 20e6;
const SAMPLE_MS = 50;
const LINK = { record: false, highWaterBytes: MIB };

const thousands = argument('thousands of pairs', 10);
const firstSeed = seedOfRun();
const rows: Record<string, string> = {};
const problems: string[] = [];

const secondsSince = (sinceMs: number): string =>
  `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`;

async function pairs(seed: number): Promise<void> {
  process.env['CULVERT_TEST_SEED'] = String(seed);
  const sinceMs = performance.now();
  const args = ['--test', '--test-timeout=120000', '--test-reporter=dot', TEST];
  const code = await runCommand(process.execPath, args);
  rows[`1,000 pairs, seed ${seed}`] =
    `${code === 0 ? 'arrived' : 'FAILED'} in ${secondsSince(sinceMs)}`;
  say(`seed ${seed}: ${code === 0 ? 'arrived' : 'FAILED'}`);
  if (code !== 0) problems.push(`CULVERT_TEST_SEED=${seed} npm test -- ${TEST}`);
}

/** The most that each process grew, bytes, while `work` ran. */
async function growthOf(pids: readonly number[], work: () => Promise<void>): Promise<number[]> {
  const before = pids.map(residentBytes);
  const most = [...before];
  const look = (): void => {
    for (const [i, pid] of pids.entries()) most[i] = Math.max(most[i]!, residentBytes(pid));
  };
  const timer = setInterval(look, SAMPLE_MS);
  try {
    await work();
    look();
  } finally {
    clearInterval(timer);
  }
  return most.map((bytes, i) => bytes - before[i]!);
}

function compare(what: string, sent: Digest | undefined, arrived: Digest): void {
  if (sent?.bytes !== arrived.bytes || sent.sha256 !== arrived.sha256) {
    problems.push(`${what}: ${JSON.stringify(sent)} was sent, ${JSON.stringify(arrived)} arrived`);
  }
}

/** Each kind of large body through an outbound and an inbound sidecar. */
async function largeBodies(): Promise<void> {
  const bodies = new LargeBodies(new Random(firstSeed), LARGE_BYTES);
  let sent: Digest | undefined;
  await using upstream = await PeerServer.listen(
    (link) => serveLargeBodies(link, bodies, (digest) => (sent = digest)),
    LINK,
  );
  await using inbound = await Sidecar.inbound(upstream.port);
  await using outbound = await Sidecar.outbound([splitAddress(inbound.address)[1]]);
  const pids = [outbound.ready.pid, inbound.ready.pid];
  using link = await dial(outbound.address, LINK);
  for (const way of ['request', 'response'] as const) {
    for (const framing of ['length', 'chunked'] as const) {
      const what = `1 GB ${way}, ${framing}`;
      const sinceMs = performance.now();
      const growth = await growthOf(pids, async () => {
        if (way === 'request') {
          const upload = await uploadLarge(link, bodies, framing);
          return compare(what, upload.sent, upload.arrived);
        }
        sent = undefined;
        const arrived = await downloadLarge(link, framing);
        return compare(what, sent, arrived);
      });
      const [out = 0, into = 0] = growth.map((bytes) => (bytes / 1e6).toFixed(1));
      rows[what] = `${secondsSince(sinceMs)}; RSS +${out} MB outbound, +${into} MB inbound`;
      say(`${what}: ${rows[what]}`);
      if (Math.max(...growth) >= GROWTH_BYTES_MAX) problems.push(`${what}: a sidecar grew too far`);
    }
  }
  problems.push(...upstream.failures.map(String));
}

say(`CULVERT_TEST_SEED=${firstSeed}`);
await largeBodies();
for (let seed = firstSeed; seed < firstSeed + thousands; seed++) await pairs(seed);
conclude(`bytes, ${thousands} x 1,000 pairs and 4 x 1 GB`, rows, problems);
