/**
 * A gRPC client or server of @grpc/grpc-js as its own process: what grpc-peer.py is of grpcio.
 * Arguments, input and output are said there; what calls do, in grpc-peers.ts.
 */
import { createHash } from 'node:crypto';
import { type EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { withDeadline } from './deadline.ts';
import {
  type CallPlan,
  type GrpcOutcome,
  METHODS,
  type PeerCommand,
  SERVICE,
} from './grpc-peers.ts';

const CHANNEL = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.default_authority': 'web',
};
const MANY_MS = 30_000;

const same = (bytes: Buffer): Buffer => bytes;
const payload = (size: number, i: number): Buffer => Buffer.alloc(size, 97 + (i % 26));
const fingerprint = (message: Buffer): string =>
  `${message.length}:${createHash('sha256').update(message).digest('hex').slice(0, 8)}`;

function toMetadata(pairs: Iterable<readonly [string, string]>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of pairs) {
    metadata.add(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  }
  return metadata;
}

const fromMetadata = (metadata: grpc.Metadata): (readonly [string, string])[] =>
  Object.keys(metadata.getMap()).flatMap((name) =>
    metadata
      .get(name)
      .map(
        (value) => [name, typeof value === 'string' ? value : value.toString('base64')] as const,
      ),
  );

// ---- the server ----

const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/${SERVICE}/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

const DEFINITION = {
  unary: method(METHODS.unary, false, false),
  server: method(METHODS.server, false, true),
  client: method(METHODS.client, true, false),
  bidi: method(METHODS.bidi, true, true),
} satisfies grpc.ServiceDefinition;

type Stream = grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;
type AnyCall =
  | Stream
  | grpc.ServerUnaryCall<Buffer, Buffer>
  | grpc.ServerReadableStream<Buffer, Buffer>;

const state = { started: [] as string[], cancelled: [] as string[], port: 0 };

const startingWith = (metadata: grpc.Metadata, prefix: string): grpc.Metadata =>
  toMetadata(fromMetadata(metadata).filter(([name]) => name.startsWith(prefix)));

function begin(call: AnyCall): CallPlan {
  const plan = JSON.parse(String(call.metadata.get('x-plan')[0] ?? '{}')) as CallPlan;
  const { name } = plan;
  if (name !== undefined) {
    state.started.push(name);
    const events: EventEmitter = call;
    events.once('cancelled', () => state.cancelled.push(name));
  }
  if (plan.bare === true) return plan;
  const initial = startingWith(call.metadata, 'e-');
  initial.set('x-server', String(state.port));
  call.sendMetadata(initial);
  return plan;
}

/** The status that the plan asks for; null is OK. */
const statusOf = (call: AnyCall, { code = 0, details = '' }: CallPlan) =>
  code === 0 ? null : { code, details, metadata: startingWith(call.metadata, 't-') };

function endUnary(
  call: AnyCall,
  plan: CallPlan,
  answer: Buffer,
  tell: grpc.sendUnaryData<Buffer>,
): void {
  if (plan.hang === true) return;
  tell(statusOf(call, plan), answer, startingWith(call.metadata, 't-'));
}

function endStream(call: Stream, plan: CallPlan): void {
  if (plan.hang === true) return;
  const status = statusOf(call, plan);
  if (status === null) call.end(startingWith(call.metadata, 't-'));
  else call.emit('error', status);
}

async function answerServerStream(call: grpc.ServerWritableStream<Buffer, Buffer>): Promise<void> {
  const plan = begin(call);
  for (const [i, size] of (plan.answers ?? []).entries()) {
    if (call.cancelled) return;
    if (!call.write(payload(size, i))) await once(call, 'drain').catch(() => undefined);
    if (plan.everyMs !== undefined) await pause(plan.everyMs);
  }
  endStream(call, plan);
}

function answerClientStream(
  call: grpc.ServerReadableStream<Buffer, Buffer>,
  tell: grpc.sendUnaryData<Buffer>,
): void {
  const plan = begin(call);
  let count = 0;
  let bytes = 0;
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    endUnary(call, plan, Buffer.from(`${count} ${bytes}`), tell);
  };
  call.on('data', (message: Buffer) => {
    if (over) return;
    count++;
    bytes += message.length;
    if (count === plan.stop) end();
  });
  call.once('end', end);
}

function answerBidi(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
  const plan = begin(call);
  let count = 0;
  let over = false;
  const end = (): void => {
    if (!over) endStream(call, plan);
    over = true;
  };
  call.on('data', (message: Buffer) => {
    if (over) return;
    call.write(message);
    if (++count === plan.stop) end();
  });
  call.once('end', end);
}

async function serve(port: number, channel: grpc.ChannelOptions) {
  const server = new grpc.Server({ ...CHANNEL, ...channel });
  server.addService(DEFINITION, {
    unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, tell: grpc.sendUnaryData<Buffer>) =>
      endUnary(call, begin(call), call.request, tell),
    server: (call: grpc.ServerWritableStream<Buffer, Buffer>) => void answerServerStream(call),
    client: answerClientStream,
    bidi: answerBidi,
  });
  const bound = Promise.withResolvers<number>();
  const insecure = grpc.ServerCredentials.createInsecure();
  server.bindAsync(`127.0.0.1:${port}`, insecure, (error, at) =>
    error === null ? bound.resolve(at) : bound.reject(error),
  );
  const stop = async (graceMs: number): Promise<void> => {
    const over = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    await over;
    clearTimeout(timer);
  };
  state.port = await bound.promise;
  return { port: state.port, stop };
}

// ---- the client ----

const clients = new Map<string, grpc.Client>();

function clientOf(address: string, channel: grpc.ChannelOptions): grpc.Client {
  let client = clients.get(address);
  if (client === undefined) {
    client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      ...CHANNEL,
      ...channel,
    });
    clients.set(address, client);
  }
  return client;
}

/** JSON that a field may hold. */
const ascii = (plan: CallPlan): string =>
  JSON.stringify(plan).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

type ClientCall =
  | grpc.ClientUnaryCall
  | grpc.ClientReadableStream<Buffer>
  | grpc.ClientWritableStream<Buffer>
  | grpc.ClientDuplexStream<Buffer, Buffer>;

/** Makes the call; its answers go to `take`, which says whether the caller stays. */
function makeCall(
  client: grpc.Client,
  command: PeerCommand,
  take: (one: Buffer) => boolean,
): ClientCall {
  const path = `/${SERVICE}/${command.method}`;
  const metadata = toMetadata([...command.metadata, ['x-plan', ascii(command.plan)]]);
  const { timeoutMs } = command;
  const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  const messages = command.messages.map(payload);
  const [first = Buffer.alloc(0)] = messages;
  const told = (error: grpc.ServiceError | null, answer?: Buffer): void => {
    if (error === null && answer !== undefined) take(answer);
  };
  switch (command.kind) {
    case 'unary':
      return client.makeUnaryRequest(path, same, same, first, metadata, options, told);
    case 'server': {
      const call = client.makeServerStreamRequest(path, same, same, first, metadata, options);
      call.on('data', (answer: Buffer) => take(answer));
      return call;
    }
    case 'client': {
      const call = client.makeClientStreamRequest(path, same, same, metadata, options, told);
      for (const message of messages) call.write(message);
      call.end();
      return call;
    }
    default: {
      const call = client.makeBidiStreamRequest(path, same, same, metadata, options);
      const next = (): void => {
        const message = messages.shift();
        if (message === undefined) call.end();
        else call.write(message);
      };
      call.on('data', (answer: Buffer) => {
        if (take(answer)) next();
      });
      next();
      return call;
    }
  }
}

const openCalls = new Map<number, ClientCall>();

async function outcomeOf(client: grpc.Client, command: PeerCommand): Promise<GrpcOutcome> {
  const messages: string[] = [];
  let initial = new grpc.Metadata();
  const call = makeCall(client, command, (answer) => {
    messages.push(fingerprint(answer));
    if (command.progress) say({ id: command.id, message: messages.length });
    if (command.cancelOn === 'message') call.cancel();
    return command.cancelOn !== 'message';
  });
  openCalls.set(command.id, call);
  const events: EventEmitter = call;
  events.on('error', () => undefined);
  events.once('metadata', (metadata: grpc.Metadata) => (initial = metadata));
  const { code, details, metadata } = await new Promise<grpc.StatusObject>((resolve) =>
    events.once('status', resolve),
  );
  openCalls.delete(command.id);
  const told = { initial: fromMetadata(initial), trailing: fromMetadata(metadata) };
  return { code, details, messages, ...told };
}

/** Calls that are all open at the same time, each answered twice. */
async function many(client: grpc.Client, count: number): Promise<number> {
  const path = `/${SERVICE}/${METHODS.bidi}`;
  const calls = Array.from({ length: count }, () => {
    const call = client.makeBidiStreamRequest(path, same, same, new grpc.Metadata());
    call.on('error', () => undefined);
    const ended = once(call, 'status') as Promise<[grpc.StatusObject]>;
    return { call, ended };
  });
  const sayAndHear = async ({ call }: (typeof calls)[number]): Promise<boolean> => {
    const heard = once(call, 'data') as Promise<[Buffer]>;
    call.write(Buffer.from('ping'));
    return (await heard)[0].toString() === 'ping';
  };
  const end = async ({ call, ended }: (typeof calls)[number]): Promise<boolean> => {
    call.end();
    call.resume();
    return (await ended)[0].code === grpc.status.OK;
  };
  const all = (one: (call: (typeof calls)[number]) => Promise<boolean>): Promise<boolean[]> =>
    withDeadline(`${count} calls`, Promise.all(calls.map(one)), MANY_MS);
  const [first, second, over] = [await all(sayAndHear), await all(sayAndHear), await all(end)];
  return calls.filter((_, i) => first[i] === true && second[i] === true && over[i] === true).length;
}

// ---- both ----

const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const [role, text = '{}'] = process.argv.slice(2);
const { port, channel } = JSON.parse(text) as { port: number; channel: grpc.ChannelOptions };
const server = role === 'serve' ? await serve(port, channel) : undefined;

async function answerOf(command: PeerCommand): Promise<object> {
  switch (command.op) {
    case 'state':
      return state;
    case 'stop':
      await server?.stop(command.graceMs);
      return {};
    case 'cancel':
      openCalls.get(command.callId)?.cancel();
      return {};
    case 'many':
      return { whole: await many(clientOf(command.address, channel), command.count) };
    default:
      return outcomeOf(clientOf(command.address, channel), command);
  }
}

say({ port: server?.port ?? 0 });
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as PeerCommand;
    answerOf(command).then(
      (answer) => say({ id: command.id, ...answer }),
      (error: unknown) => say({ id: command.id, error: String(error) }),
    );
  })
  .once('close', () => process.exit());
