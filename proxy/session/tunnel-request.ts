/**
 * A request for a tunnel towards an upstream of HTTP/1.1: what it offers, and which answer grants it
 * (RFC 9110 sections 7.8 and 9.3.6).
 */
import { hasToken } from '../codec/http1/framing.ts';
import { grantsOffered, offeredProtocols } from '../codec/http1/upgrade.ts';
import { WEBSOCKET, newWebsocketKey, websocketAccept } from '../codec/websocket/handshake.ts';
import { FIELD_CONNECTION, FIELD_WEBSOCKET_ACCEPT, FIELD_WEBSOCKET_KEY } from '../model/field.ts';
import { type Head, TUNNEL_CONNECT, TUNNEL_NONE, TUNNEL_UPGRADE } from '../model/head.ts';

/** What is kept of the request until it is answered. */
export class TunnelRequest {
  readonly #connects: boolean;
  readonly #offered: readonly string[];
  /** Made here, for a client that has none: of HTTP/2 (RFC 8441 section 5). */
  readonly #key: string;

  /** `head` asks for a tunnel. */
  private constructor(head: Head) {
    this.#connects = head.tunnel === TUNNEL_CONNECT;
    this.#offered = offeredProtocols(head);
    const wantsWebsocket = this.#offered[0]?.toLowerCase() === WEBSOCKET;
    // HTTP/2 has no Connection either. What a client of HTTP/1.1 leaves out is its own affair.
    const keyless =
      head.find(FIELD_WEBSOCKET_KEY) === -1 && !hasToken(head, FIELD_CONNECTION, 'upgrade');
    this.#key = wantsWebsocket && keyless ? newWebsocketKey() : '';
  }

  // HOT: per exchange. Undefined for a request that asks for none.
  static of(head: Head): TunnelRequest | undefined {
    return head.tunnel === TUNNEL_NONE ? undefined : new TunnelRequest(head);
  }

  /** Field lines that the request lacks. */
  get missingLines(): string {
    return this.#key === '' ? '' : `Sec-WebSocket-Key: ${this.#key}\r\n`;
  }

  /** Whether `answer` grants the tunnel, and says so; 101 that does not is an answer to nothing. */
  isGrantedBy(answer: Head): boolean {
    if (this.#connects) {
      if (answer.status < 200 || answer.status >= 300) return false;
      answer.tunnel = TUNNEL_CONNECT;
      return true;
    }
    if (answer.status !== 101 || !grantsOffered(answer, this.#offered)) return false;
    if (this.#key !== '' && !this.#isProved(answer)) return false;
    answer.tunnel = TUNNEL_UPGRADE;
    return true;
  }

  #isProved(answer: Head): boolean {
    const i = answer.find(FIELD_WEBSOCKET_ACCEPT);
    return i !== -1 && answer.value(i) === websocketAccept(this.#key);
  }
}
