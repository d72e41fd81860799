/**
 * Sends damaged requests, and answers them with damaged responses, for 60 s (or the first
 * argument, seconds): no sidecar dies, none hangs, each connection is answered or closed.
 */
import { REQUEST_EXCHANGES } from '../conformance/http1-exchanges-requests.ts';
import { RESPONSE_EXCHANGES } from '../conformance/http1-exchanges-responses.ts';
import { residentBytes } from '../support/kernel-sockets.ts';
import { withDeadline } from '../support/deadline.ts';
import { mutate, randomOffsets } from '../support/mutate.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { Random, seedOfRun } from '../support/random.ts';
import { headOf, okAnswer, readResponse, statusOf } from '../support/raw-http.ts';
import { dial, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const CLIENTS = 4;
const END_MS = 12_000;
const PROBE_EVERY = 5_000;
const EXCHANGES = [...REQUEST_EXCHANGES, ...RESPONSE_EXCHANGES];
const PROBE = headOf('GET /probe HTTP/1.1', 'Host: web');

const seconds = argument('seconds', 60);
const seed = seedOfRun();
const problems: string[] = [];
const answered = new Map<string, number>();
const answers = new Random(seed);
let cases = 0;

/** Answers the probe well and everything else with something damaged, then ends. */
async function answer(link: PeerLink): Promise<void> {
  for (;;) {
    let request = '';
    while (!request.includes('\r\n\r\n')) {
      const bytes = await link.takeSome();
      if (bytes === undefined) return link.destroy();
      request += bytes.toString('latin1');
    }
    if (request.startsWith('GET /probe ')) {
      await link.send(okAnswer('probed'));
      continue;
    }
    const text = answers.pick(EXCHANGES).response;
    const response = answers.chance(0.7) ? mutate(answers, text) : text;
    await link.sendCut(response, randomOffsets(answers, response));
    return link.halfClose();
  }
}

/** One damaged request, alone on its connection, which must end soon after we ended it. */
async function attack(address: string, random: Random): Promise<void> {
  const request = mutate(random, random.pick(EXCHANGES).request);
  using link = await dial(address);
  try {
    await link.sendCut(request, randomOffsets(random, request));
    link.halfClose();
    const received = await withDeadline('the connection to end', link.untilEnded(), END_MS);
    const status = /^HTTP\/1\.1 (\d\d\d) /.exec(received.toString('latin1'))?.[1];
    const outcome = status === undefined ? 'closed without an answer' : `answered ${status}`;
    answered.set(outcome, (answered.get(outcome) ?? 0) + 1);
  } catch (error) {
    problems.push(`${String(error)} after ${JSON.stringify(request.slice(0, 500))}`);
  }
}

/** A good request still gets its answer, and no thread has died. */
async function probe(sidecar: Sidecar): Promise<void> {
  try {
    using link = await dial(sidecar.address);
    await link.send(PROBE);
    const status = statusOf(await readResponse(link));
    if (status !== 200) problems.push(`a good request got ${status}`);
    const samples = parseSamples((await sidecar.admin('/metrics')).text);
    const deaths = sumOf(samples, 'proxy_thread_restarts_total');
    if (deaths > 0) problems.push(`${deaths} data threads died: ${sidecar.stderr.slice(0, 2_000)}`);
  } catch (error) {
    problems.push(
      `no answer to a good request: ${String(error)} ${sidecar.stderr.slice(0, 2_000)}`,
    );
  }
}

async function fuzz(sidecars: readonly Sidecar[]): Promise<void> {
  const endMs = performance.now() + seconds * 1_000;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs && problems.length < 5) {
      const id = cases++;
      const sidecar = sidecars[id % sidecars.length]!;
      await attack(sidecar.address, new Random(seed + id * 7919));
      if (id % PROBE_EVERY !== 0) continue;
      for (const each of sidecars) await probe(each);
      const mib = sidecars.map(({ ready }) => Math.round(residentBytes(ready.pid) / 2 ** 20));
      say(`case ${id}, resident ${mib.join(' and ')} MiB`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  for (const each of sidecars) await probe(each);
}

say(`CULVERT_TEST_SEED=${seed}`);
await using upstream = await PeerServer.listen(answer, { record: false });
await using inbound = await Sidecar.inbound(upstream.port);
await using outbound = await Sidecar.outbound([upstream.port]);
await fuzz([inbound, outbound]);
problems.push(...upstream.failures.map(String));
const statuses = [...answered].toSorted(([a], [b]) => (a < b ? -1 : 1));
conclude(`fuzz, ${seconds} s`, { seed, cases, ...Object.fromEntries(statuses) }, problems);
