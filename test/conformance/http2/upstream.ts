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
  #server!: PeerServer;

  static async listen(): Promise<Http2Upstream> {
    const upstream = new Http2Upstream();
    upstream.#server = await PeerServer.listen((link) => upstream.#serve(link));
    return upstream;
  }

  get port(): number {
    return this.#server.port;
  }

  /** What came and should not have. */
  get violations(): readonly string[] {
    const failures = this.#server.failures.map(String);
    return [...this.#violations, ...this.peers.flatMap((peer) => peer.violations), ...failures];
  }

  async #serve(link: PeerLink): Promise<void> {
    const peer = await Http2Peer.accept(link, { givesCredit: true });
    this.peers.push(peer);
    for (;;) {
      const { stream, block } = await peer.nextHead();
      const path = valueOf(block?.fields ?? [], ':path') ?? '';
      if (path.startsWith('/bad')) this.#violations.push(`a request for ${path}`);
      void this.#answer(peer, stream, path).catch(() => {});
    }
  }

  async #answer(peer: Http2Peer, stream: number, path: string): Promise<void> {
    const request = await peer.message(stream);
    if (path === '/body-fault') this.#violations.push('a whole request for /body-fault');
    this.requests.push(request);
    if (path === '/hold') return;
    if (valueOf(request.fields, ':method') === 'HEAD') {
      void peer.send(lastHeaders(stream, statusBlock(200)));
    } else void peer.send(headers(stream, statusBlock(200)), data(stream, 'ok', END_STREAM));
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
