/** From a request's bytes to its destination and the name it is counted under. */
import { TimerWheel } from '../../../base/timer-wheel.ts';
import { ByteMemo } from '../../../proxy/route/byte-memo.ts';
import { Destinations } from '../../../proxy/route/destinations.ts';
import { LearnedRoutes } from '../../../proxy/route/learn.ts';
import { compileRouteNames } from '../../../proxy/route/names.ts';
import { Targets } from '../../../proxy/route/target.ts';
import { destination, RESOURCE, TARGET } from '../destination.ts';
import { REQUEST, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

const NAME = 'GET /api/users/{id}/cart';

function knownDestinations(): Destinations {
  const wheel = new TimerWheel(100, () => 0);
  const destinations = new Destinations({
    wheel,
    nowUs: () => 1,
    subscribe: undefined,
    unsubscribe: () => undefined,
    compile: destination,
    dispose: () => undefined,
    fallback: undefined,
  });
  destinations.install(TARGET, RESOURCE, false);
  wheel.stop();
  return destinations;
}

export const route: readonly MicroCase[] = [
  {
    name: 'byte-memo get',
    setup: () => {
      const memo = new ByteMemo<number>(64, 256);
      const key = Buffer.from('web.demo.svc.cluster.local:8080', 'latin1');
      memo.set(key, 0, key.length, 7);
      return { run: () => memo.get(key, 0, key.length) ?? 0, expected: 7 };
    },
  },
  {
    name: 'target and destination',
    setup: () => {
      const destinations = knownDestinations();
      const targets = new Targets();
      const head = headOf(REQUEST, 'request');
      return {
        run: () => {
          const target = targets.ofRequest(head);
          return target !== undefined && destinations.find(target, true) !== undefined ? 1 : 0;
        },
        expected: 1,
      };
    },
  },
  {
    name: 'route name remembered',
    setup: () => {
      const names = compileRouteNames([], new LearnedRoutes());
      const head = headOf(REQUEST, 'request');
      return {
        run: () => names.settle(names.nameOf(head), true).length,
        expected: NAME.length,
      };
    },
  },
  {
    name: 'route name learned',
    setup: () => {
      const learned = new LearnedRoutes();
      return {
        run: () => learned.nameOf('GET', '/api/users/17/cart?full=1', false).length,
        expected: NAME.length,
      };
    },
  },
];
