/** The package `ws`, the other WebSocket library of the tests, where it is installed. */
import type { EventEmitter } from 'node:events';

/** What the tests use of one end of a connection. */
export interface WsSocket extends EventEmitter {
  readonly protocol: string;
  send(message: string | Buffer): void;
  close(code?: number): void;
  terminate(): void;
}

/** What the tests use of a server. */
export interface WsServer extends EventEmitter {
  address(): { readonly port: number };
  close(closed: () => void): void;
}

/** What the tests use of the package. */
export interface WsPackage {
  readonly WebSocket: new (url: string, protocols: readonly string[]) => WsSocket;
  readonly WebSocketServer: new (options: {
    readonly host: string;
    readonly port: number;
  }) => WsServer;
}

// A name that types are not looked up for.
const NAME: string = 'ws';

/** Undefined where it is not installed. */
export async function loadWs(): Promise<WsPackage | undefined> {
  try {
    return (await import(NAME)) as WsPackage;
  } catch {
    return undefined;
  }
}
