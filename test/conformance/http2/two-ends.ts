/**
 * A sidecar with a scripted HTTP/2 peer on either side: the script is the client and the upstream.
 *
 *   downstream (Http2Peer) ─> sidecar ─> upstream (Http2Peer)
 */
import { withDeadline } from '../../support/deadline.ts';
import { Http2Peer, type Http2PeerOptions } from '../../support/http2-peer.ts';
import { lastHeaders, statusBlock } from '../../support/http2-wire.ts';
import { EndOfBytesError, PeerServer, type PeerLink } from '../../support/scripted-peer.ts';
import { Sidecar } from '../../support/sidecar.ts';

export class TwoEnds {
  readonly sidecar: Sidecar;
  /** Connections that come upstream answer every request and are not asked for; until `hangUp`. */
  answers = false;
  readonly #server: PeerServer;
  /** Upstream connections that came and were not asked for yet. */
  readonly #arrived: Http2Peer[] = [];
  readonly #open: Http2Peer[] = [];
  #awaited: PromiseWithResolvers<void> = Promise.withResolvers();
  #upstreamOptions: Http2PeerOptions = {};
  /** Times that the script has hung up. */
  #calls = 0;

  private constructor(sidecar: Sidecar, server: PeerServer) {
    this.sidecar = sidecar;
    this.#server = server;
  }

  static async start(...args: readonly string[]): Promise<TwoEnds> {
    const started = Promise.withResolvers<TwoEnds>();
    const server = await PeerServer.listen(async (link) => (await started.promise).#serve(link));
    const sidecar = await Sidecar.inboundOf('http2', server.port, ...args);
    const ends = new TwoEnds(sidecar, server);
    started.resolve(ends);
    return ends;
  }

  async #serve(link: PeerLink): Promise<void> {
    const peer = await Http2Peer.accept(link, this.#upstreamOptions);
    this.#open.push(peer);
    if (this.answers) return answerAll(peer);
    this.#arrived.push(peer);
    this.#wake();
  }

  #wake(): void {
    this.#awaited.resolve();
    this.#awaited = Promise.withResolvers();
  }

  /** A connection to the sidecar; those upstream that come now are made with `upstream`. */
  async dial(
    downstream: Http2PeerOptions = {},
    upstream: Http2PeerOptions = {},
  ): Promise<Http2Peer> {
    this.#upstreamOptions = upstream;
    const peer = await Http2Peer.dial(this.sidecar.address, downstream);
    this.#open.push(peer);
    return peer;
  }

  /** The next connection that the sidecar makes; rejects when the script hangs up before. */
  async upstream(): Promise<Http2Peer> {
    const call = this.#calls;
    for (;;) {
      const peer = this.#arrived.shift();
      if (peer !== undefined) return peer;
      await withDeadline('a connection upstream', this.#awaited.promise);
      if (call !== this.#calls) throw new EndOfBytesError('the script has hung up');
    }
  }

  /** Closes all connections, so that the next test finds none; gives what the sidecar did wrong. */
  async hangUp(): Promise<readonly string[]> {
    const peers = this.#open.splice(0);
    this.#arrived.length = 0;
    this.answers = false;
    this.#calls++;
    this.#wake();
    for (const peer of peers) {
      if (peer.role === 'client') peer.link.reset();
      else if (!peer.ended) peer.link.halfClose();
    }
    await Promise.all(peers.map((peer) => peer.untilEnded()));
    for (const peer of peers) peer.destroy();
    return peers.flatMap((peer) => peer.violations);
  }

  async stop(): Promise<void> {
    await this.sidecar.stop();
    await this.#server.close();
  }
}

/** Answers with 200 until the connection ends. */
async function answerAll(peer: Http2Peer): Promise<never> {
  for (;;) {
    const { stream } = await peer.nextRequest();
    void peer.send(lastHeaders(stream, statusBlock(200)));
  }
}
