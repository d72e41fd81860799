/** What people declare of ports, in the words of Kubernetes, of Linkerd and of this mesh. */
import type { PortRange } from '../../base/port-list.ts';

/**
 * `http` is HTTP of either version; `http1` and `http2` also say what the server is spoken to in;
 * `detect` wants the proxy to find out, also where a default would say otherwise.
 */
export type DeclaredProtocol = 'http' | 'http1' | 'http2' | 'opaque' | 'detect';

/** Ports and what is declared of them; of two declarations of a port the first counts. */
export interface PortDeclaration extends PortRange {
  readonly protocol: DeclaredProtocol;
}

/**
 * Kubernetes defines those with its prefix; names of IANA (http, https, tls) and those in use
 * without a prefix stand beside them. TLS that ends in the application is bytes to a proxy. Ports to
 * skip are opaque until interception can leave them out.
 */
const WORDS: ReadonlyMap<string, DeclaredProtocol> = new Map([
  ['http', 'http'],
  ['kubernetes.io/ws', 'http'],
  ['http1', 'http1'],
  ['http2', 'http2'],
  ['h2c', 'http2'],
  ['grpc', 'http2'],
  ['kubernetes.io/h2c', 'http2'],
  ['kubernetes.io/grpc', 'http2'],
  ['opaque', 'opaque'],
  ['tcp', 'opaque'],
  ['linkerd.io/opaque', 'opaque'],
  ['linkerd.io/tcp', 'opaque'],
  ['https', 'opaque'],
  ['tls', 'opaque'],
  ['kubernetes.io/wss', 'opaque'],
  ['skip', 'opaque'],
  ['detect', 'detect'],
]);

/** Undefined for a word that says nothing here; case does not matter. */
export const declaredByWord = (word: string): DeclaredProtocol | undefined =>
  WORDS.get(word.toLowerCase());

/** The first declaration that has the port. */
export const findDeclared = (
  declarations: readonly PortDeclaration[],
  port: number,
): DeclaredProtocol | undefined =>
  declarations.find(({ first, last }) => first <= port && port <= last)?.protocol;
