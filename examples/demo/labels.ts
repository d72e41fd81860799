/** Prints labels. The foil printer is broken, and always will be: something must fail in a demo. */
import { serve, work } from './serve.ts';

serve([
  {
    method: 'POST',
    path: /^\/labels\/(\d+)$/,
    handle: async (id) => {
      await work(3, 20);
      return { status: 201, body: { label: id } };
    },
  },
  {
    method: 'POST',
    path: /^\/labels\/(\d+)\/foil$/,
    handle: async () => {
      await work(1, 5);
      return { status: 500, body: { error: 'the foil printer is out of order' } };
    },
  },
]);
