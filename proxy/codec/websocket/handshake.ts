/**
 * The proof that a server has understood a WebSocket handshake (RFC 6455 section 4.2.2). HTTP/2 has
 * none (RFC 8441 section 5): where one end has HTTP/1.1, whoever stands for the other gives it.
 */

/** What `:protocol` and Upgrade call it. */
export const WEBSOCKET = 'websocket';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY_BYTES = 16;

/** Loaded when the first one is needed: most sidecars never do. */
const crypto = () => process.getBuiltinModule('node:crypto');

/** Sec-WebSocket-Accept for the value `key` of Sec-WebSocket-Key. */
export const websocketAccept = (key: string): string =>
  crypto()
    .createHash('sha1')
    .update(key + GUID, 'latin1')
    .digest('base64');

/** A Sec-WebSocket-Key: it is no secret, but no two are equal. */
export const newWebsocketKey = (): string => crypto().randomBytes(KEY_BYTES).toString('base64');
