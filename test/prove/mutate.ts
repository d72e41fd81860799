/**
 * Sends 100,000 damaged messages through sidecars: requests, and responses to good requests. None
 * dies or hangs, no thread is lost, good requests are answered all the while, and every socket comes
 * back. `--seed S --case N` repeats one message; `--cases` says how many.
 */
import { integer, settingsOrExit } from '../../base/settings.ts';
import { REQUEST_EXCHANGES } from '../conformance/http1-exchanges-requests.ts';
import { RESPONSE_EXCHANGES } from '../conformance/http1-exchanges-responses.ts';
import { eventually, withDeadline } from '../support/deadline.ts';
import { descriptorsOf, residentBytes } from '../support/kernel-sockets.ts';
import { samplesOf } from '../support/mesh.ts';
import { mutate, randomOffsets } from '../support/mutate.ts';
import { sumOf } from '../support/prometheus-text.ts';
import { conclude, say } from '../support/proof.ts';
import { Random, seedOfRun } from '../support/random.ts';
import { headOf, okAnswer, readResponse, statusOf } from '../support/raw-http.ts';
import { dial, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const CLIENTS = 8;
/** A connection that both its ends have ended must be over by then. */
const END_MS = 12_000;
/** Idle upstream connections are kept for 3 s. */
const BASELINE_MS = 15_000;
const PROBE_EVERY = 2_500;
const PROBLEMS_MAX = 5;
const EXCHANGES = [...REQUEST_EXCHANGES, ...RESPONSE_EXCHANGES];
const PROBE = headOf('GET /probe HTTP/1.1', 'Host: web', 'Connection: close');
const LINK = { record: false } as const;

const settings = settingsOrExit('npm run prove -- mutate [flags]', {
  cases: integer({ fallback: 100_000, min: 1, max: 1e9, reason: 'Damaged messages.' }),
  seed: integer({
    fallback: 0,
    min: 0,
    max: 2 ** 31,
    reason: 'What they follow from; 0: the clock.',
  }),
  case: integer({ fallback: -1, min: -1, max: 1e9, reason: 'Only this one; -1: all.' }),
});
const seed = settings.seed === 0 ? seedOfRun() : settings.seed;

/** A damaged message: half of them are requests, the others answers to a good request. */
interface Case {
  readonly damages: 'request' | 'response';
  readonly request: string;
  readonly requestCuts: readonly number[];
  readonly response: string;
  readonly responseCuts: readonly number[];
}

/** The case `id` of this seed, whoever asks and whenever: both ends make it from its number. */
function caseOf(id: number): Case {
  const random = new Random(seed + id * 7_919);
  const exchange = random.pick(EXCHANGES);
  if (random.chance(0.5)) {
    const request = mutate(random, exchange.request);
    const requestCuts = randomOffsets(random, request);
    return { damages: 'request', request, requestCuts, response: okAnswer(), responseCuts: [] };
  }
  const method = exchange.request.startsWith('HEAD ') ? 'HEAD' : 'GET';
  const request = headOf(`${method} /case/${id} HTTP/1.1`, 'Host: web');
  const response = mutate(random, exchange.response);
  const responseCuts = randomOffsets(random, response);
  return { damages: 'response', request, requestCuts: [], response, responseCuts };
}

/** Answers probes well, a good request with what its case says, and damaged ones with 200. */
async function answer(link: PeerLink): Promise<void> {
  let request = '';
  while (!request.includes('\r\n\r\n')) {
    const bytes = await link.takeSome();
    if (bytes === undefined) return link.destroy();
    request += bytes.toString('latin1');
  }
  const id = /^[A-Z]+ \/case\/(\d+) /.exec(request)?.[1];
  const { response, responseCuts } =
    id === undefined ? { response: okAnswer(), responseCuts: [] } : caseOf(Number(id));
  await link.sendCut(response, responseCuts);
  link.halfClose();
  await link.untilEnded();
  link.destroy();
}

class Proof {
  readonly problems: string[] = [];
  readonly outcomes = new Map<string, number>();
  readonly #sidecars: readonly Sidecar[];
  #done = 0;

  constructor(sidecars: readonly Sidecar[]) {
    this.#sidecars = sidecars;
  }

  get done(): number {
    return this.#done;
  }

  /** Runs cases [from, to), a few at a time, and looks at the sidecars in between. */
  async run(from: number, to: number): Promise<void> {
    let next = from;
    const client = async (): Promise<void> => {
      while (next < to && this.problems.length < PROBLEMS_MAX) {
        const id = next++;
        await this.#attack(id);
        if (++this.#done % PROBE_EVERY === 0) await this.#probeAll();
      }
    };
    await Promise.all(Array.from({ length: Math.min(CLIENTS, to - from) }, client));
    await this.#probeAll();
  }

  /** One case, alone on its connection, which must end soon after we ended it. */
  async #attack(id: number): Promise<void> {
    const { damages, request, requestCuts } = caseOf(id);
    const sidecar = this.#sidecars[id % this.#sidecars.length]!;
    try {
      using link = await dial(sidecar.address);
      await link.sendCut(request, requestCuts);
      link.halfClose();
      const received = await withDeadline('the connection to end', link.untilEnded(), END_MS);
      const status = /^HTTP\/1\.1 (\d\d\d) /.exec(received.toString('latin1'))?.[1];
      // What a damaged status line says is any number.
      const said = damages === 'request' || status === '502' ? status : `${status?.[0]}xx`;
      const outcome = `${damages}: ${status === undefined ? 'no answer' : `answered ${said}`}`;
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      const again = `npm run prove -- mutate --seed ${seed} --case ${id}`;
      this.problems.push(`${String(error)}; again: ${again}`);
    }
  }

  async #probeAll(): Promise<void> {
    for (const sidecar of this.#sidecars) await this.#probe(sidecar);
    const mib = this.#sidecars.map(({ ready }) => Math.round(residentBytes(ready.pid) / 2 ** 20));
    say(`${this.#done} cases, resident ${mib.join(' and ')} MiB`);
  }

  /** A good request still gets its answer, and no thread has died. */
  async #probe(sidecar: Sidecar): Promise<void> {
    try {
      using link = await dial(sidecar.address, LINK);
      await link.send(PROBE);
      const status = statusOf(await readResponse(link));
      if (status !== 200) this.problems.push(`a good request got ${status}`);
      const deaths = sumOf(await samplesOf(sidecar), 'proxy_thread_restarts_total');
      if (deaths > 0) this.problems.push(`${deaths} data threads died: ${saidBy(sidecar)}`);
    } catch (error) {
      this.problems.push(`no answer to a good request: ${String(error)} ${saidBy(sidecar)}`);
    }
  }
}

const saidBy = (sidecar: Sidecar): string => sidecar.stderr.slice(-2_000);

/** Nothing is open that was not open before. */
async function judgeLeaks(sidecar: Sidecar, before: number): Promise<string | undefined> {
  const now = (): number => descriptorsOf(sidecar.ready.pid);
  try {
    await eventually('the descriptors', () => now() <= before, BASELINE_MS);
    const open = sumOf(await samplesOf(sidecar), 'tcp_open_connections');
    return open === 0 ? undefined : `${open} connections are counted as open`;
  } catch {
    return `${now()} descriptors are open, ${before} were before`;
  }
}

say(`--seed ${seed}`);
if (settings.case >= 0) say(JSON.stringify(caseOf(settings.case), undefined, 2));
const [first, end] = settings.case >= 0 ? [settings.case, settings.case + 1] : [0, settings.cases];
await using upstream = await PeerServer.listen(answer, { ...LINK, forgetsClosed: true });
await using inbound = await Sidecar.inbound(upstream.port);
await using outbound = await Sidecar.outbound([upstream.port]);
const sidecars = [inbound, outbound];
for (const sidecar of sidecars) await samplesOf(sidecar);
const before = sidecars.map(({ ready }) => descriptorsOf(ready.pid));
const sinceMs = performance.now();
const proof = new Proof(sidecars);
await proof.run(first, end);
const leaks = await Promise.all(sidecars.map((each, i) => judgeLeaks(each, before[i]!)));
const problems = [
  ...proof.problems,
  ...upstream.failures.map(String),
  ...leaks.filter((leak) => leak !== undefined),
];
const rows = {
  seed,
  cases: proof.done,
  seconds: Math.round((performance.now() - sinceMs) / 1_000),
  ...Object.fromEntries([...proof.outcomes].toSorted(([a], [b]) => (a < b ? -1 : 1))),
};
conclude('mutate', rows, problems);
