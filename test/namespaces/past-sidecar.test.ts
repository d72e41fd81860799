/** What a sidecar sees of connections that should have come to it, with real rules and without. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { InterceptionState } from '../../proxy/admin/past-sidecar.ts';
import { startInside } from '../support/cable.ts';
import type { InsideProgram } from '../support/cable.ts';
import { eventually } from '../support/deadline.ts';
import { APART, APPLICATION_UID, FAMILIES, withPod } from '../support/intercepted-pod.ts';
import type { Pod } from '../support/intercepted-pod.ts';
import type { NetworkNamespace } from '../support/network-namespace.ts';
import { withoutTables } from '../support/network-namespace.ts';
import { runInit } from '../support/proxy-init.ts';

const skip = withoutTables('setpriv');

/** A connection that was answered, and stays open. */
async function hold(from: NetworkNamespace, host: string, port: number): Promise<InsideProgram> {
  const request = 'GET / HTTP/1.1\\r\\nHost: any\\r\\n\\r\\n';
  const script = `exec 3<>/dev/tcp/${host}/${port} && printf '${request}' >&3 && exec cat <&3`;
  const held = await startInside(from, APPLICATION_UID, 'bash', '-c', script);
  assert.match(held.line, /200 OK/);
  return held;
}

async function stateOf({ page }: Pod): Promise<InterceptionState> {
  return JSON.parse(await page('/interception.json')) as InterceptionState;
}

it(
  'A sidecar sees what passes it by once its rules are gone, and nothing before',
  { skip },
  async () => {
    await withPod({ flags: APART }, async (bench) => {
      await using stack = new AsyncDisposableStack();
      const { pod, peer } = bench;
      const holdAll = async (): Promise<void> => {
        for (const family of FAMILIES) {
          stack.use(await hold(pod, family.peer, 8080));
          stack.use(await hold(peer, family.pod, 8080));
          stack.use(await hold(pod, family.loopback, 8080));
        }
      };
      await holdAll();
      // To the pod itself, by way of its sidecar.
      stack.use(await hold(pod, FAMILIES[0].pod, 8081));
      assert.deepEqual(await stateOf(bench), { intercepting: true, past: [] });
      assert.equal((await runInit(pod, ['--remove'])).code, 0);
      // Connections keep the way that they have.
      assert.deepEqual(await stateOf(bench), { intercepting: true, past: [] });
      await holdAll();
      // What it found last it says for a while.
      const past = await eventually('it to look again', async () => {
        const { past = [] } = await stateOf(bench);
        return past.length > 0 && past;
      });
      assert.deepEqual(
        past.toSorted((a, b) => (a.direction < b.direction ? -1 : 1)),
        [
          { direction: 'inbound', port: 8080, connections: 2 },
          { direction: 'outbound', port: 8080, connections: 2 },
        ],
      );
    });
  },
);
