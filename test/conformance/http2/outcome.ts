/** Sends the steps of a case and tells what the sidecar did about them. */
import assert from 'node:assert/strict';
import { codeName, endsStream, valueOf, type Http2Peer } from '../../support/http2-peer.ts';
import { ACK, ping } from '../../support/http2-wire.ts';
import type { Expected, Http2Case, Step } from './case.ts';

/** What became of a connection and of the stream that is meant. */
export interface Outcome {
  readonly scope: 'connection' | 'stream' | 'accepted' | 'ignored' | 'ended';
  /** Name of the code of GOAWAY or RST_STREAM; the status of an answer. */
  readonly code: string;
}

const BARRIER = 'barrier!';

/** Sends runs of frames as one; gives the number of frames that had come before the last run. */
async function sendSteps(peer: Http2Peer, steps: readonly Step[]): Promise<number> {
  let frames: Buffer[] = [];
  let before = 0;
  for (const step of steps) {
    if (Buffer.isBuffer(step)) frames.push(step);
    else {
      void peer.send(...frames);
      frames = [];
      await peer.message(step.answered);
      before = peer.received.length;
    }
  }
  // Its answer says that everything before it has been read.
  void peer.send(...frames, ping(BARRIER));
  return before;
}

/** What the frames from `before` on tell of the outcome; undefined while that may change. */
function soFar(peer: Http2Peer, expected: Expected, before: number): Outcome | undefined {
  const { accepted, stream, of = 1 } = expected;
  const received = peer.received.slice(before);
  const goaway = received.find(({ type }) => type === 'GOAWAY');
  if (goaway !== undefined) {
    return { scope: 'connection', code: codeName(goaway.payload.readUInt32BE(4)) };
  }
  if (peer.ended) return { scope: 'ended', code: '' };
  const passed = received.some(
    ({ type, flags, payload }) =>
      type === 'PING' && flags === ACK && payload.toString('latin1') === BARRIER,
  );
  const ofStream = received.filter((frame) => frame.stream === of);
  if (ofStream.some(endsStream) && peer.role === 'client') {
    return { scope: 'accepted', code: valueOf(peer.messageSoFar(of).fields, ':status') ?? '' };
  }
  const reset = ofStream.find(({ type }) => type === 'RST_STREAM');
  // The connection may still end for what came behind.
  if (reset !== undefined && (passed || stream !== undefined)) {
    return { scope: 'stream', code: codeName(reset.payload.readUInt32BE(0)) };
  }
  // A server's answer may be on its way; a client says nothing about an answer that is right.
  const waits = accepted !== undefined && peer.role === 'client';
  return passed && !waits ? { scope: 'ignored', code: '' } : undefined;
}

/** Sends the steps of `it` and waits for what becomes of them. */
export async function outcomeOf(peer: Http2Peer, it: Http2Case): Promise<Outcome> {
  const before = await sendSteps(peer, it.steps);
  return peer.until('an outcome', () => soFar(peer, it.expected, before));
}

/** Fails unless `outcome` is among those of the case. */
export function assertExpected(peer: Http2Peer, it: Http2Case, { scope, code }: Outcome): void {
  const { connection, stream, accepted, ignored } = it.expected;
  const right =
    (scope === 'connection' && connection?.some((name) => name === code) === true) ||
    (scope === 'stream' && stream?.some((name) => name === code) === true) ||
    (scope === 'accepted' && accepted?.includes(Number(code)) === true) ||
    (scope === 'ignored' &&
      (ignored === true || (peer.role === 'server' && accepted !== undefined)));
  const found = `${scope} ${code}`.trim();
  assert.ok(right, `${found} is not ${JSON.stringify(it.expected)}; ${peer.story()}`);
}
