/**
 * An upstream that answers good requests and keeps every sign of what should not have reached it.
 * Good: any request whose target starts with `/good`. A request to `/body-fault` may begin, never
 * end. The word SMUGGLED may not come at all.
 */
import { eventually } from './deadline.ts';
import { MalformedMessageError, okAnswer, readRequest } from './raw-http.ts';
import { EndOfBytesError, PeerServer, type PeerLink } from './scripted-peer.ts';

export class Witness {
  readonly violations: string[] = [];
  /** Where the message being read began, by link. */
  readonly #begun = new Map<PeerLink, number>();
  server!: PeerServer;

  static async listen(): Promise<Witness> {
    const witness = new Witness();
    witness.server = await PeerServer.listen((link) => witness.#serve(link));
    return witness;
  }

  async #serve(link: PeerLink): Promise<void> {
    for (;;) {
      this.#begun.set(link, link.takenBytes);
      try {
        const request = await readRequest(link);
        if (!/^GET \/good\S* HTTP\/1\.1$/.test(request.startLine)) {
          this.violations.push(`a whole request: ${request.startLine}`);
        }
      } catch (error) {
        if (error instanceof MalformedMessageError) this.violations.push(String(error));
        else if (!(error instanceof EndOfBytesError)) throw error;
        this.#checkCut(link);
        link.destroy();
        this.#begun.delete(link);
        return;
      }
      await link.send(okAnswer());
    }
  }

  /** What came of a message that never ended may only be a `/body-fault` and its good part. */
  #checkCut(link: PeerLink): void {
    const rest = link.received.subarray(this.#begun.get(link)).toString('latin1');
    if (rest === '') return;
    if (!rest.startsWith('POST /body-fault HTTP/1.1\r\n') || rest.includes('SMUGGLED')) {
      this.violations.push(`a part of a request: ${JSON.stringify(rest.slice(0, 300))}`);
    }
  }

  /** Waits until no connection holds a part of a message, and gives what went wrong since. */
  async verdict(): Promise<string[]> {
    const held = () => [...this.#begun].filter(([link, begun]) => link.receivedBytes > begun);
    try {
      await eventually('all to be cut', () => held().length === 0, 2_000);
    } catch {
      for (const [link, begun] of held()) {
        const part = link.received.subarray(begun).toString('latin1').slice(0, 300);
        this.violations.push(`a connection that is not cut, with ${JSON.stringify(part)}`);
        link.destroy();
        this.#begun.delete(link);
      }
    }
    return this.violations.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}
