/** The endpoints one thread knows: their state survives new versions of the destinations. */
import { Endpoint, type EndpointResource } from '../model/endpoint.ts';

/** What the table asks and tells. */
export interface EndpointTableParts {
  /** No destination names the endpoint any more. */
  readonly forgotten: (endpoint: Endpoint) => void;
  /** Whether dialling the address would reach a listener of this proxy. */
  readonly isOwnListener: (host: string, port: number) => boolean;
  /** Whether the proxy reaches its own application there, past any sidecar. */
  readonly isOwnApplication?: ((host: string) => boolean) | undefined;
}

/** Endpoints by id and address, counted by who refers to them. */
export class EndpointTable {
  readonly #parts: EndpointTableParts;
  readonly #byKey = new Map<string, Endpoint>();

  constructor(parts: EndpointTableParts) {
    this.#parts = parts;
  }

  /** The endpoint with its state; counts one more reference to it. */
  acquire(resource: EndpointResource): Endpoint {
    const key = keyOf(resource);
    let endpoint = this.#byKey.get(key);
    if (endpoint === undefined) {
      endpoint = new Endpoint(resource);
      endpoint.loops = this.#parts.isOwnListener(resource.host, resource.port);
      endpoint.own = this.#parts.isOwnApplication?.(resource.host) === true;
      this.#byKey.set(key, endpoint);
    }
    endpoint.owner = resource.owner;
    endpoint.protocol = resource.protocol;
    // What rides between sidecars means nothing to an application.
    endpoint.meshed = resource.meshed && !endpoint.own;
    endpoint.references++;
    return endpoint;
  }

  release(endpoint: Endpoint): void {
    if (--endpoint.references > 0) return;
    this.#byKey.delete(keyOf(endpoint));
    this.#parts.forgotten(endpoint);
  }
}

/** A pod that comes back elsewhere is another endpoint. */
const keyOf = ({ id, host, port }: { id: string; host: string; port: number }): string =>
  `${id} ${host}:${port}`;
