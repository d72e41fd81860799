import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import type { ControllerView } from '../controller-view.ts';
import { createAdminServer } from './admin-server.ts';

/** As much of a controller as /config.json shows, with one proxy. */
const view = {
  version: '1.2.3',
  startedAtUs: 1,
  mesh: () => ({ version: 4, pods: new Map(), services: new Map(), workloads: [] }),
  snapshot: () => undefined,
  discovery: {
    streams: new Set([
      {
        identity: { namespace: 'demo', pod: 'web-1', instance: 'i', proxyVersion: '1.2.3' },
        subscriptions: new Map([
          ['', { sent: 3, acked: 3, nacked: 0, error: '' }],
          ['k', { sent: 3, acked: 0, nacked: 3, error: 'no' }],
        ]),
        isPending: (key: string) => key === '',
      },
    ]),
  },
} as unknown as ControllerView;

test('admin server says what a proxy took of each resource, and what waits for it', async (t) => {
  const server = createAdminServer(
    view,
    () => 0,
    () => true,
  ).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/config.json`);
  const { proxies } = (await response.json()) as { proxies: { resources: object[] }[] };
  assert.deepEqual(
    proxies.map(({ resources }) => resources),
    [
      [
        { key: '', sent: 3, acked: 3, nacked: 0, pending: true },
        { key: 'k', sent: 3, acked: 0, nacked: 3, pending: false, error: 'no' },
      ],
    ],
  );
});
