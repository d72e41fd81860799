/**
 * Where addresses come from. On Linux every run of `dev` has a block 127.X.0.0/16 of its own:
 *
 *     127.X.0.n        pod n: its sidecar listens here at every container port, and dials from here
 *     127.X.1.n        the application of pod n, known to its sidecar alone
 *     127.X.(16+n).k   the way out of pod n to service k, at every port of the service; at 10000
 *                      more where that is below 1024, which is for root
 *     127.X.255.254    holds the claim on the block
 *
 * macOS has the one loopback address 127.0.0.1 without root: there everything has a port of its
 * own instead, from a claimed range.
 */
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import type { SocketAddress } from '../../base/settings.ts';
import { Failure } from '../failure.ts';

/** Hands out addresses; pods `n` and services `k` count from 1. */
export interface AddressSpace {
  /** The whole mesh shares one address: ports tell its parts apart. */
  readonly single: boolean;
  /** Connections are brought to sidecars by rules: at a pod's ports its application listens alone. */
  readonly intercepted: boolean;
  readonly podsMax: number;
  readonly servicesMax: number;
  pod(n: number): string;
  /** Where the pod receives connections for its container port. */
  inbound(n: number, containerPort: number): SocketAddress;
  /** Where the application listens behind its sidecar. */
  application(n: number, containerPort: number): SocketAddress;
  admin(n: number): SocketAddress;
  wayOut(n: number, k: number, servicePort: number): SocketAddress;
}

const SIDECAR_ADMIN_PORT = 4191;
const UNPRIVILEGED_PORT_MIN = 1_024;
const LOW_PORTS_BASE = 10_000;

/** A service may be at a port that `dev` may not listen on: programs learn where it is instead. */
const wayOutPort = (servicePort: number): number =>
  servicePort < UNPRIVILEGED_PORT_MIN ? LOW_PORTS_BASE + servicePort : servicePort;
const WAY_OUT_BASE = 16;

/** The addresses of the block 127.`x`.0.0/16. */
export function blockAddresses(x: number): AddressSpace {
  const at = (third: number, fourth: number, port: number): SocketAddress => ({
    host: `127.${x}.${third}.${fourth}`,
    port,
  });
  return {
    single: false,
    intercepted: false,
    // The third byte of a way out stays below 255, where the claim is.
    podsMax: 254 - WAY_OUT_BASE,
    servicesMax: 254,
    pod: (n) => at(0, n, 0).host,
    inbound: (n, containerPort) => at(0, n, containerPort),
    application: (n, containerPort) => at(1, n, containerPort),
    admin: (n) => at(0, n, SIDECAR_ADMIN_PORT),
    wayOut: (n, k, servicePort) => at(WAY_OUT_BASE + n, k, wayOutPort(servicePort)),
  };
}

const SINGLE_HOST = '127.0.0.1';
const SINGLE_RANGE_PORTS = 1_000;

/**
 * 127.0.0.1 with the ports after `claimedPort`, in the order they are asked for; a `Failure` past
 * the end of the range, where another run's begins.
 */
export function singleAddresses(claimedPort: number): AddressSpace {
  const portMax = claimedPort + SINGLE_RANGE_PORTS - 1;
  let port = claimedPort;
  const next = (): SocketAddress => {
    if (port === portMax) {
      throw new Failure(
        `the manifest needs more than the ${SINGLE_RANGE_PORTS - 1} ports that a single address has; run fewer replicas or services`,
      );
    }
    return { host: SINGLE_HOST, port: ++port };
  };
  return {
    single: true,
    intercepted: false,
    podsMax: 100,
    servicesMax: 100,
    pod: () => SINGLE_HOST,
    inbound: next,
    application: next,
    admin: next,
    wayOut: next,
  };
}

/** A space that no other run uses, until `release`. */
export interface Claim<T> {
  readonly space: AddressSpace;
  readonly plan: T;
  release(): void;
}

/** What `claimAddresses` tries in turn: the address to hold, and the space that goes with it. */
export interface Candidate {
  readonly hold: SocketAddress;
  readonly create: () => AddressSpace;
}

const CLAIM_PORT = 4190;

/** 32 blocks from 127.64.0.0/16 on. */
export const blockCandidates: readonly Candidate[] = Array.from({ length: 32 }, (_, i) => ({
  hold: { host: `127.${64 + i}.255.254`, port: CLAIM_PORT },
  create: () => blockAddresses(64 + i),
}));

/** Ranges of ports below the ones that systems give to outgoing connections. */
export const singleCandidates: readonly Candidate[] = Array.from({ length: 12 }, (_, i) => ({
  hold: { host: SINGLE_HOST, port: 20_000 + i * SINGLE_RANGE_PORTS },
  create: () => singleAddresses(20_000 + i * SINGLE_RANGE_PORTS),
}));

/**
 * Takes the first candidate that nobody holds and whose planned addresses are all free. The claim
 * is a listening socket: it ends with this process, however that ends.
 */
export async function claimAddresses<T>(
  candidates: readonly Candidate[],
  plan: (space: AddressSpace) => { readonly plan: T; readonly listeners: readonly SocketAddress[] },
): Promise<Claim<T>> {
  let taken = 'nothing was tried';
  for (const { hold, create } of candidates) {
    const server = await listen(hold);
    if (!('close' in server)) {
      taken = server.problem;
      continue;
    }
    try {
      const space = create();
      const planned = plan(space);
      const problem = await findTaken(planned.listeners);
      if (problem === undefined) {
        return { space, plan: planned.plan, release: () => server.close() };
      }
      taken = problem;
    } catch (error) {
      server.close();
      throw error;
    }
    server.close();
  }
  throw new Failure(
    `no free addresses on this machine (last: ${taken}); stop what listens there, or try --single-address`,
  );
}

/**
 * Why the first address that is not free cannot be had; undefined when all are free. A `Failure`
 * when this user may not have it: no other block changes that.
 */
export async function findTaken(addresses: readonly SocketAddress[]): Promise<string | undefined> {
  for (const address of addresses) {
    const server = await listen(address);
    if (!('close' in server)) return server.problem;
    await new Promise((resolve) => server.close(resolve));
  }
  return undefined;
}

function listen({ host, port }: SocketAddress): Promise<Server | { readonly problem: string }> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EACCES') reject(notAllowed(port));
      else resolve({ problem: error.message });
    });
    server.listen({ host, port, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

const notAllowed = (port: number): Failure =>
  new Failure(
    `this user may not listen on port ${port}: the low ones are for root; choose one of 1024 or more, or try --single-address`,
  );
