/**
 * The addresses of `--network netns`, those of Kubernetes: a pod has one for everything, a service one
 * for whoever calls it.
 *
 *      10.199.0.1        the machine, as pods reach it: gateway, name server, controller
 *      10.199.0.1 + n    pod n
 *      10.198.0.k        service k that has no spec.clusterIP of its own
 */
import { Failure } from '../../failure.ts';
import type { AddressSpace } from '../address-space.ts';
import type { ServiceSpec } from '../manifest.ts';
import { HEADLESS } from '../pod-plan.ts';
import { addressAt, formatIpRange, overlap, parseIpv4, sizeOf } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';

/** Where pods and services are. */
export interface NetworkRanges {
  readonly pods: IpRange;
  readonly services: IpRange;
}

/** Where sidecars are asked how they are. */
export const SIDECAR_ADMIN_PORT = 4191;
/** As many ports a bridge has, and one is the machine's. */
const PODS_MAX = 1_000;
/** Network, gateway and broadcast are no pods. */
const NOT_PODS = 3;
const ADDRESS_BITS = 32;

/** `clusterIps`: one for each service, undefined where it is headless. */
export function namespaceAddresses(
  { pods }: NetworkRanges,
  clusterIps: readonly (string | undefined)[],
): AddressSpace {
  const pod = (n: number): string => addressAt(pods, n + 1);
  return {
    single: false,
    intercepted: true,
    podsMax: Math.min(PODS_MAX, sizeOf(pods) - NOT_PODS),
    servicesMax: clusterIps.length,
    pod,
    inbound: (n, port) => ({ host: pod(n), port }),
    application: (n, port) => ({ host: pod(n), port }),
    admin: (n) => ({ host: pod(n), port: SIDECAR_ADMIN_PORT }),
    wayOut: (_n, k, port) => {
      const host = clusterIps[k - 1];
      if (host === undefined) throw new Error(`service ${k} has no address`);
      return { host, port };
    },
  };
}

/**
 * An address for each service: its own, or the next of the range; undefined for headless ones. A
 * `Failure` when the range is used up, or what a service says is no IPv4 address.
 */
export function assignClusterIps(
  services: readonly ServiceSpec[],
  range: IpRange,
): readonly (string | undefined)[] {
  const taken = new Set(services.map(({ clusterIp }) => clusterIp));
  let last = 0;
  const next = (): string => {
    // Neither the first nor the last of the range.
    while (++last < sizeOf(range) - 1) {
      const address = addressAt(range, last);
      if (!taken.has(address)) return address;
    }
    throw new Failure(
      `the manifest has ${services.length} services, and --service-range ${formatIpRange(range)} too few addresses`,
    );
  };
  return services.map(({ clusterIp, name, namespace }) => {
    if (clusterIp === undefined) return next();
    if (clusterIp === HEADLESS) return undefined;
    if (parseIpv4(clusterIp) !== undefined) return clusterIp;
    throw new Failure(
      `Service ${namespace}/${name} has the clusterIP "${clusterIp}": --network netns has IPv4 only`,
    );
  });
}

/**
 * Where services are: their range, and by itself each address that is outside of it, as Services may say
 * one of their own. What a pod may have is left out: there is somebody there.
 */
export function serviceNetworks(
  { pods, services }: NetworkRanges,
  clusterIps: readonly (string | undefined)[],
): readonly IpRange[] {
  const alone = [...new Set(clusterIps)].flatMap((address) => {
    const base = parseIpv4(address ?? '');
    if (base === undefined) return [];
    const one = { base, prefixLength: ADDRESS_BITS };
    return overlap(one, services) || overlap(one, pods) ? [] : [one];
  });
  return [services, ...alone];
}
