/**
 * Real gRPC servers that go away in the middle of a stream: its caller sees what it sees without a
 * sidecar.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Grpc, GRPCS, GrpcClient, GrpcServer, withoutGrpcio } from '../support/grpc-peers.ts';
import { Ways } from '../support/grpc-ways.ts';

const OK = 0;
const UNAVAILABLE = 14;
/** Longer than what is left of a stream. */
const GRACE_MS = 20_000;

/** How a server goes, what it was asked, and what is left of its streams. */
const ENDS = {
  'is killed': {
    go: (server: GrpcServer) => server.kill(),
    plan: { hang: true },
    code: UNAVAILABLE,
  },
  'stops at once': {
    go: (server: GrpcServer) => server.stop(0),
    plan: { hang: true },
    code: UNAVAILABLE,
  },
  'stops when its calls have ended': {
    go: (server: GrpcServer) => server.stop(GRACE_MS),
    plan: { everyMs: 200 },
    code: OK,
  },
} as const;
type End = keyof typeof ENDS;

/**
 * grpc-js takes the error code of a server's GOAWAY for the status of the streams that are cut, and
 * each kind of server has another one; the C core says what the sidecar says.
 */
const saysOtherwise = (client: Grpc, end: End): boolean =>
  client === 'js' && end === 'stops at once';

/** A stream to `address` whose `server` goes once its first message has come. */
async function cut(client: GrpcClient, address: string, server: GrpcServer, end: End) {
  const { go, plan } = ENDS[end];
  const begun = Promise.withResolvers<void>();
  const call = { kind: 'server', plan: { answers: [10, 20, 30], ...plan } } as const;
  const outcome = client.call(address, call, { onMessage: () => begun.resolve() });
  await begun.promise;
  const gone = go(server);
  const result = await outcome;
  await gone;
  await server.kill();
  return result;
}

for (const clientGrpc of GRPCS) {
  for (const serverGrpc of GRPCS) {
    const skip = clientGrpc === 'core' || serverGrpc === 'core' ? withoutGrpcio() : false;
    describe(`A client of ${clientGrpc} whose server of ${serverGrpc}`, { skip }, () => {
      for (const end of Object.keys(ENDS) as End[]) {
        it(`${end} in the middle of a stream sees that`, async () => {
          let server = await GrpcServer.start(serverGrpc);
          const { port } = server;
          try {
            await using client = await GrpcClient.start(clientGrpc);
            await using ways = await Ways.to(port);
            for (const [way, address] of ways.addresses) {
              const { code, details, messages } = await cut(client, address, server, end);
              server = await GrpcServer.start(serverGrpc, { port });
              const other = way === 'direct' && saysOtherwise(clientGrpc, end);
              if (!other) assert.equal(code, ENDS[end].code, `${way}: ${details}`);
              if (code === OK) assert.equal(messages.length, 3, way);
              if (way === 'direct') continue;
              // It is back, and the client, who has not lost its connection, does not notice.
              const again = await client.call(address, { kind: 'unary' });
              assert.equal(again.code, OK, `${way}: ${again.details}`);
            }
          } finally {
            await server.kill();
          }
        });
      }
    });
  }
}
