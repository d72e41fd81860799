/**
 * The upstream behind a sidecar that is tested as a server: answers every whole request, keeps what
 * came, and says what should not have. The path tells what is right:
 *
 *   /bad         may not come at all          /body-fault   may not come whole
 *   /hold        is never answered            others        200 "ok"
 */
import { Http2Peer, valueOf, type Http2Message } from '../../support/http2-peer.ts';
import { data, END_STREAM, headers, lastHeaders, statusBlock } from '../../support/http2-wire.ts';
import { PeerServer, type PeerLink } from '../../support/scripted-peer.ts';

export class Http2Upstream {
  /** Whole requests, in order. */
  readonly requests: Http2Message[] = [];
  readonly peers: Http2Peer[] = [];
  readonly #violations: string[] = [];
  readonly #taken = new Set<string>();
  #server!: PeerServer;

  static async listen(): Promise<Http2Upstream> {
    const upstream = new Http2Upstream();
    upstream.#server = await PeerServer.listen((link) => upstream.#serve(link));
    return upstream;
  }

  get port(): number {
    return this.#server.port;
  }

  /** What came since the last time and should not have. */
  takeViolations(): readonly string[] {
    const all = [
      ...this.#violations,
      ...this.peers.flatMap((peer) => peer.violations),
      ...this.#server.failures.map(String),
    ];
    const fresh = all.filter((violation) => !this.#taken.has(violation));
    for (const violation of fresh) this.#taken.add(violation);
    return fresh;
  }

  async #serve(link: PeerLink): Promise<void> {
    const peer = await Http2Peer.accept(link, { givesCredit: true });
    this.peers.push(peer);
    for (;;) {
      const { stream, block } = await peer.nextHead();
      const path = valueOf(block?.fields ?? [], ':path') ?? '';
      if (path.startsWith('/bad'))
        this.#violations.push(`a request for ${path}, the ${this.#count()}.`);
      void this.#answer(peer, stream, path).catch(() => {});
    }
  }

  async #answer(peer: Http2Peer, stream: number, path: string): Promise<void> {
    const request = await peer.message(stream);
    if (path === '/body-fault')
      this.#violations.push(`a whole request for /body-fault, the ${this.#count()}.`);
    this.requests.push(request);
    if (path === '/hold') return;
    if (valueOf(request.fields, ':method') === 'HEAD') {
      void peer.send(lastHeaders(stream, statusBlock(200)));
    } else void peer.send(headers(stream, statusBlock(200)), data(stream, 'ok', END_STREAM));
  }

  /** Tells equal violations apart. */
  #count(): number {
    return this.#violations.length + 1;
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
