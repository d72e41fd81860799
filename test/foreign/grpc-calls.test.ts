/**
 * Real gRPC on both sides of one sidecar and of two: every call has the same result as without.
 * Each case is called directly first, and that result is what the others are compared with.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import {
  GRPCS,
  type GrpcCall,
  GrpcClient,
  type GrpcOutcome,
  GrpcServer,
  withoutGrpcio,
} from '../support/grpc-peers.ts';
import { Ways } from '../support/grpc-ways.ts';

const MIB = 2 ** 20;
const OK = 0;
const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
const STREAMS = 1_000;
const LARGE_BYTES = 10 * MIB;
/** Far below what calls take that nobody ends. */
const DEADLINE_MS = 300;

const times = (count: number, size: number): number[] => Array.from({ length: count }, () => size);
const base64 = (bytes: Buffer): string => bytes.toString('base64');

const METADATA = [
  ['e-text', 'plain, with commas; and "quotes"'],
  ['e-twice', 'one'],
  ['e-twice', 'two'],
  ['e-b-bin', base64(Buffer.from(Array.from({ length: 256 }, (_, i) => i)))],
  ['e-none-bin', ''],
  ['t-text', 'behind'],
  ['t-b-bin', base64(Buffer.from([0, 255, 44, 0]))],
] as const;

interface Case extends GrpcCall {
  readonly code: number;
  /** What is said of the outcome depends on who says it. */
  readonly codeOnly?: boolean;
}

const FAILURE = { code: NOT_FOUND, details: 'there is no "½ %\n" here' } as const;

const CASES: Readonly<Record<string, Case>> = {
  'a unary call': { kind: 'unary', metadata: METADATA, code: OK },
  'a unary call of no bytes': { kind: 'unary', messages: [0], code: OK },
  'a unary call of 10 MB': { kind: 'unary', messages: [LARGE_BYTES], code: OK },
  'a unary call that fails': {
    kind: 'unary',
    plan: FAILURE,
    metadata: METADATA,
    code: NOT_FOUND,
  },
  'a unary call that fails with trailers only': {
    kind: 'unary',
    plan: { ...FAILURE, bare: true },
    metadata: METADATA,
    code: NOT_FOUND,
  },
  'a call of a method nobody serves': { kind: 'unary', method: 'Nobody', code: UNIMPLEMENTED },
  'a call with 40 KiB of metadata': {
    kind: 'unary',
    metadata: [
      ['e-large', 'x'.repeat(40 * 1024)],
      ['t-large', 'y'.repeat(12 * 1024)],
    ],
    code: OK,
  },
  'a stream from the server': {
    kind: 'server',
    plan: { answers: [0, 1, ...times(100, 100), MIB, 3 * MIB] },
    metadata: METADATA,
    code: OK,
  },
  // With no message between them the C core's client may miss what came before the trailers.
  'a stream from the server without messages': { kind: 'server', plan: { bare: true }, code: OK },
  'a stream from the server that fails at its end': {
    kind: 'server',
    plan: { answers: [1, 2, 3], ...FAILURE },
    metadata: METADATA,
    code: NOT_FOUND,
  },
  'a stream from the client': {
    kind: 'client',
    messages: [0, 1, ...times(50, 1_000), ...times(10, MIB)],
    metadata: METADATA,
    code: OK,
  },
  'a stream from the client without messages': { kind: 'client', messages: [], code: OK },
  'a stream from the client that the server ends': {
    kind: 'client',
    messages: times(3, 100),
    plan: { stop: 3, ...FAILURE },
    metadata: METADATA,
    code: NOT_FOUND,
  },
  'a conversation': {
    kind: 'bidi',
    messages: [0, ...times(30, 700), MIB],
    metadata: METADATA,
    code: OK,
  },
  'a conversation that the server ends': {
    kind: 'bidi',
    messages: times(5, 10),
    plan: { stop: 3, ...FAILURE },
    metadata: METADATA,
    code: NOT_FOUND,
  },
  'a unary call that is late': {
    kind: 'unary',
    plan: { hang: true },
    timeoutMs: DEADLINE_MS,
    code: DEADLINE_EXCEEDED,
    codeOnly: true,
  },
  'a stream that is late': {
    kind: 'server',
    plan: { answers: [1, 2, 3], hang: true },
    timeoutMs: DEADLINE_MS,
    code: DEADLINE_EXCEEDED,
    codeOnly: true,
  },
};

/** Calls that their client cancels once the server has them, or a message has come from it. */
const CANCELS: Readonly<Record<string, GrpcCall>> = {
  'a unary call': { kind: 'unary', plan: { hang: true } },
  'a stream from the server': {
    kind: 'server',
    plan: { answers: [10], hang: true },
    cancelOn: 'message',
  },
  'a stream from the client': {
    kind: 'client',
    messages: [1, 2],
    plan: { hang: true },
  },
  'a conversation': {
    kind: 'bidi',
    messages: times(3, 10),
    plan: { hang: true },
    cancelOn: 'message',
  },
};

/** In an order that nobody promises, and without the time of day. */
const listed = (metadata: GrpcOutcome['initial']): readonly string[] =>
  metadata
    .filter(([name]) => name !== 'date')
    .map(([name, value]) => `${name}: ${value}`)
    .toSorted();

const seen = ({ code, details, messages, initial, trailing }: GrpcOutcome) => ({
  code,
  details,
  messages,
  initial: listed(initial),
  trailing: listed(trailing),
});

for (const clientGrpc of GRPCS) {
  for (const serverGrpc of GRPCS) {
    const skip = clientGrpc === 'core' || serverGrpc === 'core' ? withoutGrpcio() : false;
    describe(`gRPC from a client of ${clientGrpc} to a server of ${serverGrpc}`, { skip }, () => {
      let server: GrpcServer;
      let client: GrpcClient;
      let ways: Ways;
      before(async () => {
        server = await GrpcServer.start(serverGrpc);
        client = await GrpcClient.start(clientGrpc);
        ways = await Ways.to(server.port);
      });
      after(async () => {
        await ways?.[Symbol.asyncDispose]();
        await client?.kill();
        await server?.kill();
      });

      for (const [name, { code, codeOnly = false, ...call }] of Object.entries(CASES)) {
        it(`${name} has the result it has without a sidecar`, async () => {
          let direct: GrpcOutcome | undefined;
          for (const [way, address] of ways.addresses) {
            const outcome = await client.call(address, call);
            assert.equal(outcome.code, code, `${way}: ${outcome.details}`);
            direct ??= outcome;
            if (!codeOnly) assert.deepEqual(seen(outcome), seen(direct), way);
          }
        });
      }

      const ended = (name: string): Promise<unknown> =>
        eventually(`${name} to end at the server`, async () =>
          (await server.state()).cancelled.includes(name),
        );

      for (const [what, { plan, ...call }] of Object.entries(CANCELS)) {
        it(`${what} that is cancelled ends at the server too`, async () => {
          for (const [way, address] of ways.addresses) {
            const name = `${what}, cancelled, ${way}`;
            const there = eventually('the server to be asked', async () =>
              (await server.state()).started.includes(name),
            );
            const events = call.cancelOn === undefined ? { cancelWhen: there } : {};
            const outcome = await client.call(
              address,
              { ...call, plan: { ...plan, name } },
              events,
            );
            assert.equal(outcome.code, CANCELLED, `${way}: ${outcome.details}`);
            await there;
            await ended(name);
          }
        });
      }

      it('a call that is late ends at the server too', async () => {
        for (const [way, address] of ways.addresses) {
          const plan = { hang: true, name: `late, ${way}` };
          const late = { kind: 'bidi', messages: [1, 2], plan, timeoutMs: DEADLINE_MS } as const;
          const outcome = await client.call(address, late);
          assert.equal(outcome.code, DEADLINE_EXCEEDED, `${way}: ${outcome.details}`);
          await ended(plan.name);
        }
      });

      it(`${STREAMS} conversations at the same time come to their ends`, async () => {
        // Without a sidecar it is the libraries that would be tested.
        for (const [way, address] of ways.addresses.slice(1)) {
          assert.equal(await client.many(address, STREAMS), STREAMS, way);
        }
      });
    });
  }
}
