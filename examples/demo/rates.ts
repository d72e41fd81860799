/** Knows what it costs to send a parcel to a zone. */
import { serve, work } from './serve.ts';

const CENTS: Readonly<Record<string, number>> = { domestic: 490, neighbours: 990, overseas: 2_490 };

serve([
  {
    method: 'GET',
    path: /^\/rates\/(\w+)$/,
    handle: async (zone) => {
      await work(0.5, 4);
      const cents = CENTS[zone];
      return cents === undefined
        ? { status: 404, body: { error: `no zone ${zone}` } }
        : { status: 200, body: { zone, cents } };
    },
  },
]);
