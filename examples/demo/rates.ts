/** Knows what it costs to send a parcel to a zone. */
import { status } from '@grpc/grpc-js';
import { RatesService } from '../../api/gen/office/v1/office.ts';
import type { QuoteRequest, QuoteResponse, RatesServer } from '../../api/gen/office/v1/office.ts';
import { answering, Refusal, serveGrpc, streaming } from './serve-grpc.ts';
import { work } from './work.ts';

const CENTS: ReadonlyMap<string, number> = new Map([
  ['domestic', 490],
  ['neighbours', 990],
  ['overseas', 2_490],
]);

async function quote({ zone }: QuoteRequest): Promise<QuoteResponse | Refusal> {
  await work(0.5, 4);
  const cents = CENTS.get(zone);
  if (cents !== undefined) return { zone, cents };
  const zones = [...CENTS.keys()].join(', ');
  return new Refusal(status.NOT_FOUND, `no zone "${zone}": there are ${zones}`);
}

const handlers: RatesServer = {
  quote: answering(({ request }) => quote(request)),
  quoteMany: streaming(async (call) => {
    // When requests end, what was said of them must still go out: the stream stays.
    const requests = call.iterator({ destroyOnReturn: false }) as AsyncIterable<QuoteRequest>;
    for await (const request of requests) {
      const outcome = await quote(request);
      if (outcome instanceof Refusal) return outcome;
      call.write(outcome);
    }
    return undefined;
  }),
};

serveGrpc(RatesService, handlers);
