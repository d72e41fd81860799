/**
 * What is declared of the ports of one pod. `http1` and `http2` say that a connection is HTTP and
 * that its client speaks first; which version it speaks, its first bytes tell all the same, for a
 * caller may speak another one than the server: the mesh translates. `opaque`: nobody reads it.
 */
import type { PortProtocol } from './exchange.ts';

/** Ports `first` to `last` (1 to 65535, both included) and what is spoken there. */
export interface PortDeclaration {
  readonly first: number;
  readonly last: number;
  /** Undefined: the proxy detects it, whatever a later declaration says. */
  readonly protocol: PortProtocol | undefined;
}

/** What the controller tells of a pod's ports; of two declarations of a port the first counts. */
export interface PodPorts {
  /** Of the pod's own ports. */
  readonly inbound: readonly PortDeclaration[];
  /** Of the ports that the pod dials; before what a destination declares. */
  readonly outbound: readonly PortDeclaration[];
}

/** Tells what is declared of a port, at the moment of the question. */
export interface DeclaredPorts {
  /** Undefined: the proxy detects it. */
  declared(port: number): PortProtocol | undefined;
}
