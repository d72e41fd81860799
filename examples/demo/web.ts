/**
 * The counter of the parcel office: the one service that customers talk to. They speak HTTP/1.1,
 * the services behind it gRPC. Who looks at it in a browser sees live what happens, over WebSocket.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { credentials } from '@grpc/grpc-js';
import { LabelsClient, ParcelsClient, RatesClient } from '../../api/gen/office/v1/office.ts';
import type {
  HandInResponse,
  QuoteResponse,
  TrackResponse,
} from '../../api/gen/office/v1/office.ts';
import { addressOf, answerWith, call, CHANNEL_OPTIONS, withDeadline } from './call.ts';
import { LiveBoard } from './live.ts';
import { serve } from './serve.ts';
import type { Answer } from './serve.ts';
import { work } from './work.ts';

const page = readFileSync(new URL('live.html', import.meta.url), 'utf8');
const board = new LiveBoard();

const insecure = credentials.createInsecure();
const parcels = new ParcelsClient(addressOf('PARCELS'), insecure, CHANNEL_OPTIONS);
const rates = new RatesClient(addressOf('RATES'), insecure, CHANNEL_OPTIONS);
const labels = new LabelsClient(addressOf('LABELS'), insecure, CHANNEL_OPTIONS);

const quote = (zone: string): Promise<unknown> => call((...rest) => rates.quote({ zone }, ...rest));

async function handIn(): Promise<unknown> {
  await quote('domestic');
  const handedIn = await call<HandInResponse>((...rest) => parcels.handIn({}, ...rest));
  board.tell({ parcel: handedIn.parcel, what: 'handed in' });
  return handedIn;
}

async function track(parcel: number): Promise<unknown> {
  const tracked = await call<TrackResponse>((...rest) => parcels.track({ parcel }, ...rest));
  board.tell({ parcel, what: `seen at the ${tracked.station}` });
  return tracked;
}

/** A page for browsers, a word for programs. */
const front = ({ headers }: IncomingMessage): Answer =>
  headers.accept?.includes('text/html') === true
    ? { status: 200, page }
    : { status: 200, body: { office: 'parcels', open: true } };

/** Server-streaming: stations come as the parcel gets there. */
async function journey(parcel: number): Promise<object> {
  const stations: string[] = [];
  const responses = parcels.follow({ parcel }, withDeadline()) as AsyncIterable<TrackResponse>;
  for await (const { station } of responses) stations.push(station);
  return { parcel, stations };
}

/** Client-streaming: the labels of several parcels on one sheet. */
const printSheet = (): Promise<unknown> =>
  call((...rest) => {
    const requests = labels.printSheet(...rest);
    for (const parcel of [1_001, 1_002, 1_003]) requests.write({ parcel });
    requests.end();
  });

/** Bidirectional: asks for the price of one parcel after the other, each when it knows the last. */
async function weighBasket(): Promise<object> {
  const zones = ['overseas', 'neighbours', 'domestic'];
  const dialogue = rates.quoteMany(withDeadline());
  const askNext = (): void => {
    const zone = zones.pop();
    if (zone === undefined) dialogue.end();
    else dialogue.write({ zone });
  };
  let cents = 0;
  askNext();
  for await (const price of dialogue as AsyncIterable<QuoteResponse>) {
    cents += price.cents;
    askNext();
  }
  return { cents };
}

const server = serve([
  {
    method: 'GET',
    path: /^\/$/,
    handle: (_id, request) => front(request),
  },
  {
    method: 'GET',
    path: /^\/parcels\/(\d{1,9})$/,
    handle: (id) => answerWith(200, track(Number(id))),
  },
  { method: 'POST', path: /^\/parcels$/, handle: () => answerWith(201, handIn()) },
  {
    method: 'GET',
    path: /^\/journeys\/(\d{1,9})$/,
    handle: (id) => answerWith(200, journey(Number(id))),
  },
  {
    method: 'GET',
    path: /^\/rates\/(\w+)$/,
    handle: (zone) => answerWith(200, quote(zone)),
  },
  { method: 'POST', path: /^\/baskets$/, handle: () => answerWith(200, weighBasket()) },
  {
    method: 'POST',
    path: /^\/labels\/(\d{1,9})$/,
    handle: async (id) => {
      await work(1, 3);
      return answerWith(
        201,
        call((...rest) => labels.print({ parcel: Number(id) }, ...rest)),
      );
    },
  },
  {
    method: 'POST',
    path: /^\/labels\/(\d{1,9})\/foil$/,
    handle: (id) =>
      answerWith(
        201,
        call((...rest) => labels.printFoil({ parcel: Number(id) }, ...rest)),
      ),
  },
  { method: 'POST', path: /^\/sheets$/, handle: () => answerWith(201, printSheet()) },
]);

board.open(server);
server.once('close', () => {
  for (const client of [parcels, rates, labels]) client.close();
});
