import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { credentials, status } from '@grpc/grpc-js';
import type { ChannelCredentials, ClientOptions, ServiceError } from '@grpc/grpc-js';
import { LabelsClient, ParcelsClient, RatesClient } from '../../api/gen/office/v1/office.ts';
import type { QuoteResponse, TrackResponse } from '../../api/gen/office/v1/office.ts';
import { eventually, withDeadline } from '../../test/support/deadline.ts';
import { accepts, DemoProgram } from '../../test/support/demo-program.ts';
import { answering, streaming } from './serve-grpc.ts';

/** A client that closes with its test. A proxy from the environment is none of its business. */
function clientOf<Client extends { close(): void }>(
  Constructor: new (
    address: string,
    credentials: ChannelCredentials,
    options: ClientOptions,
  ) => Client,
  { address }: DemoProgram,
): { readonly client: Client; [Symbol.dispose](): void } {
  const options = { 'grpc.enable_http_proxy': 0 };
  const client = new Constructor(address, credentials.createInsecure(), options);
  return { client, [Symbol.dispose]: () => client.close() };
}

type Done<Response> = (error: ServiceError | null, response: Response) => void;

/** "STATUS: details" when the call failed, else its response. */
function outcomeOf<Response>(start: (done: Done<Response>) => unknown): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  start((error, response) => resolve(error === null ? response : sentenceOf(error)));
  return withDeadline('the call to end', promise);
}

const sentenceOf = ({ code, details }: ServiceError): string => `${status[code]}: ${details}`;

/** The messages of a stream, and how it ended if not with OK. */
async function allOf<Message>(stream: AsyncIterable<Message>): Promise<readonly unknown[]> {
  const messages: unknown[] = [];
  const collect = async (): Promise<void> => {
    for await (const message of stream) messages.push(message);
  };
  try {
    await withDeadline('the stream to end', collect());
  } catch (error) {
    messages.push(sentenceOf(error as ServiceError));
  }
  return messages;
}

/** The messages of a stream one at a time. */
class Messages<Message> {
  readonly rest: AsyncIterableIterator<Message, undefined>;

  constructor(stream: AsyncIterable<Message>) {
    this.rest = iterate(stream);
  }

  async next(): Promise<Message | undefined> {
    return (await withDeadline('the next message', this.rest.next())).value;
  }
}

async function* iterate<Message>(
  stream: AsyncIterable<Message>,
): AsyncGenerator<Message, undefined> {
  yield* stream;
}

test('labels print one by one and by the sheet, but never on foil', async () => {
  await using program = await DemoProgram.start('labels.ts');
  using labels = clientOf(LabelsClient, program);
  const { client } = labels;
  const parcel = 1_234;
  assert.deepEqual(await outcomeOf((done) => client.print({ parcel }, done)), { label: parcel });
  assert.equal(
    await outcomeOf((done) => client.printFoil({ parcel }, done)),
    'INTERNAL: no foil label for parcel 1234: the foil printer is out of order',
  );
  const sheet = await outcomeOf((done) => {
    const requests = client.printSheet(done);
    for (let i = 0; i < 3; i++) requests.write({ parcel: parcel + i });
    requests.end();
  });
  assert.deepEqual(sheet, { labels: [1_234, 1_235, 1_236] });
  assert.deepEqual(await outcomeOf((done) => client.printSheet(done).end()), { labels: [] });
  await program.endsWell();
});

test('parcels are tracked, handed in and followed, if they exist', async () => {
  await using program = await DemoProgram.start('parcels.ts');
  using parcels = clientOf(ParcelsClient, program);
  const { client } = parcels;
  const track = (parcel: number): Promise<unknown> =>
    outcomeOf((done) => client.track({ parcel }, done));
  const follow = (parcel: number): Promise<readonly unknown[]> =>
    allOf(client.follow({ parcel }) as AsyncIterable<TrackResponse>);
  const parcel = 1_001;
  assert.deepEqual(await outcomeOf((done) => client.handIn({}, done)), { parcel });
  assert.deepEqual(await track(parcel), { parcel, station: 'depot' });
  assert.deepEqual(
    await follow(parcel),
    ['counter', 'depot', 'van', 'doorstep'].map((station) => ({ parcel, station })),
  );
  const unknown = 'NOT_FOUND: no parcel 7: they are numbered from 1000 on';
  assert.equal(await track(7), unknown);
  assert.deepEqual(await follow(7), [unknown]);
  await program.endsWell();
});

test('rates answer each question before the next, and end a dialogue about nowhere', async () => {
  await using program = await DemoProgram.start('rates.ts');
  using rates = clientOf(RatesClient, program);
  const { client } = rates;
  const nowhere = 'NOT_FOUND: no zone "moon": there are domestic, neighbours, overseas';
  assert.equal(await outcomeOf((done) => client.quote({ zone: 'moon' }, done)), nowhere);

  const dialogue = client.quoteMany();
  const prices = new Messages(dialogue as AsyncIterable<QuoteResponse>);
  for (const [zone, cents] of [
    ['domestic', 490],
    ['overseas', 2_490],
  ] as const) {
    dialogue.write({ zone });
    assert.deepEqual(await prices.next(), { zone, cents });
  }
  dialogue.write({ zone: 'moon' });
  await assert.rejects(prices.next(), { code: status.NOT_FOUND });

  const asked = client.quoteMany();
  for (const zone of ['neighbours', 'domestic']) asked.write({ zone });
  asked.end();
  assert.deepEqual(await allOf(asked as AsyncIterable<QuoteResponse>), [
    { zone: 'neighbours', cents: 990 },
    { zone: 'domestic', cents: 490 },
  ]);
  await program.endsWell();
});

test('gRPC program told to end lets the dialogue under way end first, and takes no more', async () => {
  await using program = await DemoProgram.start('rates.ts');
  using rates = clientOf(RatesClient, program);
  const dialogue = rates.client.quoteMany();
  const prices = new Messages(dialogue as AsyncIterable<QuoteResponse>);
  dialogue.write({ zone: 'domestic' });
  assert.equal((await prices.next())?.cents, 490);

  const ended = program.endsWell();
  const refuses = async (): Promise<boolean> => !(await accepts(program.port));
  await eventually('the program to take no more connections', refuses);
  dialogue.write({ zone: 'overseas' });
  assert.equal((await prices.next())?.cents, 2_490);
  dialogue.end();
  assert.deepEqual(await allOf(prices.rest), []);
  await ended;
  const late = outcomeOf((done) => rates.client.quote({ zone: 'domestic' }, done));
  assert.match(String(await late), /^UNAVAILABLE: /);
});

test('gRPC handler with a bug fails its call, not its program', async () => {
  const bug = new Error('a bug');
  const failed = Promise.withResolvers<unknown>();
  answering(() => Promise.reject(bug))({}, (error) => failed.resolve(error));
  assert.equal(await withDeadline('the call to fail', failed.promise), bug);

  const ended = Promise.withResolvers<unknown>();
  const call = {
    end: (): void => ended.resolve('OK'),
    emit: (_event: 'error', error: unknown): void => ended.resolve(error),
  };
  streaming(() => Promise.reject(bug))(call);
  assert.equal(await withDeadline('the stream to fail', ended.promise), bug);
});

test('gRPC program outlives clients that cancel in the middle of their streams', async () => {
  await using parcels = await DemoProgram.start('parcels.ts');
  await using rates = await DemoProgram.start('rates.ts');
  await using labels = await DemoProgram.start('labels.ts');
  using parcelsClient = clientOf(ParcelsClient, parcels);
  using ratesClient = clientOf(RatesClient, rates);
  using labelsClient = clientOf(LabelsClient, labels);

  const follow = parcelsClient.client.follow({ parcel: 1_000 });
  await withDeadline('a station', once(follow, 'data'));
  const quotes = ratesClient.client.quoteMany();
  quotes.write({ zone: 'domestic' });
  await withDeadline('a price', once(quotes, 'data'));
  const sheet = outcomeOf((done) => {
    const requests = labelsClient.client.printSheet(done);
    requests.write({ parcel: 1 }, () => requests.cancel());
  });
  for (const stream of [follow, quotes]) {
    const failed = once(stream, 'error') as Promise<[ServiceError]>;
    stream.cancel();
    assert.equal((await withDeadline('the cancel', failed))[0].code, status.CANCELLED);
  }
  assert.match(String(await sheet), /^CANCELLED: /);

  const tracked = await outcomeOf((done) => parcelsClient.client.track({ parcel: 1_000 }, done));
  assert.deepEqual(tracked, { parcel: 1_000, station: 'counter' });
  for (const program of [parcels, rates, labels]) await program.endsWell();
});
