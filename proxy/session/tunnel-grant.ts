/**
 * What a client of HTTP/1.1 is told beside the head that grants it a tunnel. An upgrade that HTTP/2 has
 * granted names no protocol and proves nothing (RFC 8441 section 5): its client of HTTP/1.1 expects both.
 */
import { offeredProtocols } from '../codec/http1/upgrade.ts';
import { WEBSOCKET, websocketAccept } from '../codec/websocket/handshake.ts';
import { FIELD_UPGRADE, FIELD_WEBSOCKET_ACCEPT, FIELD_WEBSOCKET_KEY } from '../model/field.ts';
import { type Head, TUNNEL_UPGRADE } from '../model/head.ts';

/** What is kept of a request for a tunnel until it is answered. */
export class TunnelGrant {
  readonly #protocol: string;
  readonly #key: string;

  /** `head` asks for a tunnel. */
  constructor(head: Head) {
    const key = head.find(FIELD_WEBSOCKET_KEY);
    this.#protocol = offeredProtocols(head)[0] ?? '';
    this.#key = key === -1 ? '' : head.value(key);
  }

  /** Field lines that `answer`, which grants the tunnel, lacks. */
  missingLines(answer: Head): string {
    if (answer.tunnel !== TUNNEL_UPGRADE || answer.find(FIELD_UPGRADE) !== -1) return '';
    const line = `Upgrade: ${this.#protocol}\r\n`;
    const unproved = this.#protocol.toLowerCase() === WEBSOCKET && this.#key !== '';
    if (!unproved || answer.find(FIELD_WEBSOCKET_ACCEPT) !== -1) return line;
    return `${line}Sec-WebSocket-Accept: ${websocketAccept(this.#key)}\r\n`;
  }
}
