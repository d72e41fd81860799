import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TimerWheel } from '../../base/timer-wheel.ts';
import { endpointResource } from '../../test/support/endpoints.ts';
import { timeouts } from '../limits.ts';
import type { DestinationResource, Target } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { MeshError } from '../model/mesh-error.ts';
import { compileDestination } from './compile.ts';
import { Destinations } from './destinations.ts';
import { EndpointTable } from './endpoints.ts';

const SERVICES = 3;
const PODS = 4;

type Step =
  | { readonly kind: 'find'; readonly service: number }
  | { readonly kind: 'update'; readonly service: number; readonly pods: readonly number[] }
  | { readonly kind: 'bad update'; readonly service: number; readonly pods: readonly number[] }
  | { readonly kind: 'no such service'; readonly service: number }
  | { readonly kind: 'wait'; readonly ms: number };

const service = fc.nat(SERVICES - 1);
/** Pods may come twice in one version. */
const pods = fc.array(fc.nat(PODS - 1), { maxLength: 6 });
const kind = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: kind('find'), service }),
  fc.record({ kind: kind('update'), service, pods }),
  fc.record({ kind: kind('bad update'), service, pods }),
  fc.record({ kind: kind('no such service'), service }),
  fc.record({ kind: kind('wait'), ms: fc.constantFrom(10_000, 60_000, 200_000) }),
);

const keyOf = (of: number): string => `service-${of}:80`;

function resource(of: number, named: readonly number[], bad: boolean): DestinationResource {
  const endpoints = named.map((pod) => endpointResource({ id: `${pod}`, host: `10.0.0.${pod}` }));
  if (bad) endpoints.push(endpointResource({ port: 0 }));
  const authority = keyOf(of);
  return { authority, service: authority, namespace: '', port: 80, endpoints, routes: [] };
}

const target = (of: number): Target => ({
  originalDst: undefined,
  authority: `service-${of}`,
  port: 80,
});

test('the references of endpoints are those of the destinations in force', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let nowMs = 0;
      const known = new Set<Endpoint>();
      const wheel = new TimerWheel(1_000, () => nowMs);
      const table = new EndpointTable({
        forgotten: (endpoint) => assert.ok(known.delete(endpoint), 'forgotten twice'),
        isOwnListener: () => false,
      });
      const destinations = new Destinations({
        wheel,
        nowUs: () => nowMs * 1000,
        subscribe: () => undefined,
        unsubscribe: () => undefined,
        compile: (from, learned) => {
          const compiled = compileDestination(from, learned, table, () => ({
            pick: () => undefined,
          }));
          for (const endpoint of compiled.endpoints) known.add(endpoint);
          return compiled;
        },
        dispose: ({ endpoints }) => endpoints.forEach((one) => table.release(one)),
        fallback: undefined,
      });
      const waitUntilIdle = (ms: number): void => {
        nowMs += ms;
        wheel.advance();
      };
      try {
        for (const one of steps) {
          if (one.kind === 'find') destinations.find(target(one.service), true);
          else if (one.kind === 'wait') waitUntilIdle(one.ms);
          else if (one.kind === 'no such service') {
            destinations.applyNoSuchService(keyOf(one.service), 'no');
          } else {
            const bad = one.kind === 'bad update';
            destinations.apply(keyOf(one.service), resource(one.service, one.pods, bad));
          }
        }
        const expected = new Map<Endpoint, number>();
        for (let of = 0; of < SERVICES; of++) {
          const found = destinations.find(target(of), true);
          if (found === undefined || found instanceof MeshError) continue;
          for (const endpoint of found.endpoints) {
            expected.set(endpoint, (expected.get(endpoint) ?? 0) + 1);
          }
        }
        assert.deepEqual(known, new Set(expected.keys()));
        for (const [endpoint, count] of expected) assert.equal(endpoint.references, count);
        waitUntilIdle(60_000);
        waitUntilIdle(timeouts.destinationIdleMs);
        waitUntilIdle(60_000);
        assert.equal(destinations.size, 0);
        assert.equal(known.size, 0);
      } finally {
        wheel.stop();
      }
    }),
  );
});
