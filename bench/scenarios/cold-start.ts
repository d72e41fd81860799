/** From nothing to the first answered request, again and again. */
import http from 'node:http';
import type { SocketAddress } from '../../base/settings.ts';
import { cpuUsOf } from '../figures/cpu.ts';
import type { Arm, Peer } from '../peers/peer.ts';
import { AUTHORITY, type Stage } from '../run/stage.ts';
import { interleave } from '../stats/order.ts';
import type { Scenario } from './scenario.ts';

const STARTS = 10;
const PHASE = 'start';

/** Each arm is started and asked once, in turn. */
export const COLD_START: Scenario = {
  name: 'cold-start',
  about: 'From the start of the process to ready and to its first answer; files are in memory.',
  quick: false,
  gated: true,
  seconds: 30,
  run,
};

type Found = Record<'readyMs' | 'firstAnswerMs' | 'startCpuMs', number[]>;

async function run(stage: Stage): Promise<void> {
  const { backends, ledger, proxyCore, rng, say } = stage.parts;
  const cores = String(proxyCore);
  const topology = {
    direction: 'inbound',
    hops: 1,
    backends: backends.slice(0, 1),
    authority: AUTHORITY,
    threads: 1,
  } as const;
  const peers = stage.peersFor(topology).filter(({ name }) => name !== 'direct');
  const found = new Map<Peer, Found>(
    peers.map((peer) => [peer, { readyMs: [], firstAnswerMs: [], startCpuMs: [] }]),
  );
  // The first start of a tree fills its compile cache: it is not counted.
  for (const peer of peers) await (await peer.start(topology, cores)).stop();
  for (const [i, round] of interleave(peers, STARTS, rng).entries()) {
    say(`${stage.scenario}: start ${i + 1} of ${STARTS}`);
    for (const peer of round) {
      const arm = await peer.start(topology, cores);
      try {
        await note(arm, found.get(peer));
      } finally {
        await arm.stop();
      }
    }
  }
  for (const [{ name }, figures] of found) {
    for (const [figure, rounds] of Object.entries(figures)) {
      ledger.add(stage.place(PHASE, name), figure, rounds);
    }
  }
}

async function note(arm: Arm, found: Found | undefined): Promise<void> {
  const askedMs = performance.now();
  await answer(arm.address);
  found?.readyMs.push(arm.readyMs);
  found?.firstAnswerMs.push(arm.readyMs + performance.now() - askedMs);
  found?.startCpuMs.push(cpuUsOf(arm.pids) / 1_000);
}

/** Resolves when one request was answered with 200. */
function answer({ host, port }: SocketAddress): Promise<void> {
  const { promise, reject, resolve } = Promise.withResolvers<void>();
  const request = http.get({ host, port, headers: { host: 'web' }, agent: false }, (response) => {
    response.resume();
    response.once('end', () =>
      response.statusCode === 200
        ? resolve()
        : reject(new Error(`the first answer is ${response.statusCode}`)),
    );
  });
  request.once('error', reject);
  return promise;
}
