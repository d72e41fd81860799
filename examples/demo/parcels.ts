/** Knows where every parcel is. Runs twice. */
import { serve, work } from './serve.ts';

const STATIONS = ['counter', 'depot', 'van', 'doorstep'];
let lastId = 1_000;

serve([
  {
    method: 'GET',
    path: /^\/parcels\/(\d+)$/,
    handle: async (id) => {
      await work(1, 12);
      return { status: 200, body: { id, at: STATIONS[Number(id) % STATIONS.length] } };
    },
  },
  {
    method: 'POST',
    path: /^\/parcels$/,
    handle: async () => {
      await work(4, 25);
      return { status: 201, body: { id: ++lastId } };
    },
  },
]);
