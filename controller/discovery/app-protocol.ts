/**
 * What the endpoints of a Service's port speak, as far as the Service says it: `appProtocol`, or else
 * the beginning of the port's name, `<protocol>[-<suffix>]`, as users of Istio write it. Plain "http"
 * says too little: it is what most ports are called, whatever is spoken there.
 */
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';

/** HTTP/2 without TLS: the names that Kubernetes defines, and those in use without a prefix. */
const HTTP2: ReadonlySet<string> = new Set([
  'kubernetes.io/h2c',
  'kubernetes.io/grpc',
  'http2',
  'h2c',
  'grpc',
]);

/** gRPC-Web is HTTP/1.1, though its port's name begins as that of gRPC. */
const HTTP2_PORT_NAME = /^(?:http2|grpc(?!-web))(?:-|$)/;

/** UNSPECIFIED where nobody says: then requests go on as they came. */
export function protocolOf(appProtocol: string | undefined, portName: string): Protocol {
  const http2 =
    appProtocol === undefined
      ? HTTP2_PORT_NAME.test(portName)
      : HTTP2.has(appProtocol.toLowerCase());
  return http2 ? Protocol.PROTOCOL_HTTP2 : Protocol.PROTOCOL_UNSPECIFIED;
}
