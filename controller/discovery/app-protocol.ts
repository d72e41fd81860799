/**
 * What a port of a Service carries, as far as the Service says it: by annotation, else by
 * `appProtocol`, else by the beginning of the port's name, `<protocol>[-<suffix>]`, as users of Istio
 * write it. Plain "http" says little: it is what most ports are called, whatever version is spoken.
 */
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import { declaredByWord, findDeclared } from '../resources/declared-protocol.ts';
import type { DeclaredProtocol } from '../resources/declared-protocol.ts';
import type { Service, ServicePort } from '../resources/resource.ts';

/** gRPC-Web is HTTP/1.1, though its port's name begins as that of gRPC. */
const HTTP2_PORT_NAME = /^(?:http2|grpc(?!-web))(?:-|$)/;

/** Undefined where the Service says nothing, or nothing that is known here. */
export function saidOfPort(
  { declared }: Pick<Service, 'declared'>,
  { name, port }: Pick<ServicePort, 'name' | 'port'>,
  appProtocol: string | undefined,
): DeclaredProtocol | undefined {
  const annotated = findDeclared(declared, port);
  if (annotated !== undefined) return annotated;
  if (appProtocol !== undefined) return declaredByWord(appProtocol);
  return HTTP2_PORT_NAME.test(name) ? 'http2' : undefined;
}

/** What endpoints are spoken to in. Unspecified: requests go on as they came. */
export function endpointProtocol(said: DeclaredProtocol | undefined): Protocol {
  if (said === 'http1') return Protocol.PROTOCOL_HTTP1;
  return said === 'http2' ? Protocol.PROTOCOL_HTTP2 : Protocol.PROTOCOL_UNSPECIFIED;
}

/** What connections are told to be. Unspecified: the proxy detects it. */
export function connectionProtocol(said: DeclaredProtocol | undefined): Protocol {
  switch (said) {
    case 'http':
    case 'http1':
      return Protocol.PROTOCOL_HTTP1;
    case 'http2':
      return Protocol.PROTOCOL_HTTP2;
    case 'opaque':
      return Protocol.PROTOCOL_OPAQUE;
    default:
      return Protocol.PROTOCOL_UNSPECIFIED;
  }
}
