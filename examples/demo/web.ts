/** The counter of the parcel office: the one service that customers talk to. */
import { call } from './call.ts';
import { serve, work } from './serve.ts';

serve([
  {
    method: 'GET',
    path: /^\/$/,
    handle: () => ({ status: 200, body: { office: 'parcels', open: true } }),
  },
  {
    method: 'GET',
    path: /^\/parcels\/(\d+)$/,
    handle: (id) => call('PARCELS', 'GET', `/parcels/${id}`),
  },
  {
    method: 'POST',
    path: /^\/parcels$/,
    handle: async () => {
      const price = await call('RATES', 'GET', '/rates/domestic');
      if (price.status !== 200) return price;
      return call('PARCELS', 'POST', '/parcels');
    },
  },
  {
    method: 'GET',
    path: /^\/rates\/(\w+)$/,
    handle: (zone) => call('RATES', 'GET', `/rates/${zone}`),
  },
  {
    method: 'POST',
    path: /^\/labels\/(\d+)$/,
    handle: async (id) => {
      await work(1, 3);
      return call('LABELS', 'POST', `/labels/${id}`);
    },
  },
  {
    method: 'POST',
    path: /^\/labels\/(\d+)\/foil$/,
    handle: (id) => call('LABELS', 'POST', `/labels/${id}/foil`),
  },
]);
