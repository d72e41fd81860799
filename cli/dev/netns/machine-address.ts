/** Pods have a loopback of their own: what listens on the machine they reach at its address on their network. */
import type { SocketAddress } from '../../../base/settings.ts';

/** 127.0.0.0/8, ::1. */
const LOOPBACK = /^127\.|^::1$|^localhost$/i;
/** Every address of the machine, the gateway among them. */
const WILDCARD = /^0+(\.0+){0,3}$|^[0:]+$/;

/** Where to listen instead of `at`, so that pods may come. */
export const listenForPods = (at: SocketAddress, gateway: string): SocketAddress =>
  LOOPBACK.test(at.host) ? { host: gateway, port: at.port } : at;

/** Where pods find who listens at `at`: told 0.0.0.0, they would ask themselves. */
export const seenFromPods = (at: SocketAddress, gateway: string): SocketAddress =>
  WILDCARD.test(at.host) ? { host: gateway, port: at.port } : listenForPods(at, gateway);
