import type { ProxyState } from './proxy-state.ts';

/** What `-o json` prints: null where there is no value. */
export function proxyJson(name: string, admin: string, state: ProxyState): object {
  const { controller, destinations, errors, notReady, threads } = state;
  return {
    name,
    admin,
    ready: notReady === undefined,
    notReady: notReady ?? null,
    controller:
      controller === undefined
        ? null
        : { ...controller, heardAgoMs: controller.heardAgoMs ?? null },
    threads,
    destinations: destinations.map((one) => ({
      target: one.target,
      authority: one.authority ?? null,
      version: one.version ?? null,
      ageMs: one.ageMs ?? null,
      ready: one.ready,
      total: one.total,
      noneReadyForMs: one.noneReadyForMs ?? null,
      problem: one.problem ?? null,
      endpoints: one.endpoints.map((endpoint) => ({
        ...endpoint,
        protocol: endpoint.protocol ?? null,
        lastDialError: endpoint.lastDialError ?? null,
        failingForMs: endpoint.failingForMs ?? null,
      })),
    })),
    errors,
  };
}
