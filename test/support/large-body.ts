/** Bodies larger than any buffer: made block by block, hashed at both ends, never held. */
import { createHash } from 'node:crypto';
import type { Random } from './random.ts';
import { headOf, readRequestBody, readRequestHead, readResponse } from './raw-http.ts';
import type { PeerLink } from './scripted-peer.ts';

const BLOCK_BYTES = 2 ** 20;

/** How the body's end is known. */
export type LargeFraming = 'length' | 'chunked';

/** What was sent or received: its length and SHA-256. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** A source of large bodies; no two blocks of a body are the same, so none can change places. */
export class LargeBodies {
  readonly #block: Buffer;
  readonly #bytes: number;

  /** Bodies of `bytes`, a multiple of 1 MiB. */
  constructor(random: Random, bytes: number) {
    this.#block = random.bytes(BLOCK_BYTES);
    this.#bytes = bytes;
  }

  /** The field that says how the body is framed. */
  fieldOf(framing: LargeFraming): string {
    return framing === 'length' ? `Content-Length: ${this.#bytes}` : 'Transfer-Encoding: chunked';
  }

  /** Sends one body behind its head; each block has left when the next is made. */
  async send(link: PeerLink, framing: LargeFraming): Promise<Digest> {
    const hash = createHash('sha256');
    for (let at = 0; at < this.#bytes; at += BLOCK_BYTES) {
      this.#block.writeDoubleBE(at, 0);
      hash.update(this.#block);
      if (framing === 'chunked') await link.send(`${BLOCK_BYTES.toString(16)}\r\n`);
      await link.send(this.#block);
      if (framing === 'chunked') await link.send('\r\n');
    }
    if (framing === 'chunked') await link.send('0\r\n\r\n');
    return { bytes: this.#bytes, sha256: hash.digest('hex') };
  }
}

/** Takes body bytes and forgets them. */
class HashingSink {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  readonly write = (bytes: Buffer): void => {
    this.#bytes += bytes.length;
    this.#hash.update(bytes);
  };

  digest(): Digest {
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

/**
 * The far end: to a request with a body it answers with what arrived, to one for `/length` or
 * `/chunked` with a body so framed, whose digest `sent` is given.
 */
export async function serveLargeBodies(
  link: PeerLink,
  bodies: LargeBodies,
  sent: (digest: Digest) => void,
): Promise<void> {
  for (;;) {
    const head = await readRequestHead(link);
    const [method, target = ''] = head.startLine.split(' ');
    if (method === 'POST') {
      const sink = new HashingSink();
      await readRequestBody(link, head, sink);
      const body = JSON.stringify(sink.digest());
      await link.send(headOf('HTTP/1.1 200 OK', `Content-Length: ${body.length}`) + body);
    } else {
      const framing = target.endsWith('chunked') ? 'chunked' : 'length';
      await link.send(headOf('HTTP/1.1 200 OK', bodies.fieldOf(framing)));
      sent(await bodies.send(link, framing));
    }
  }
}

/** Sends a request with a large body: what was sent, and what the far end says arrived. */
export async function uploadLarge(link: PeerLink, bodies: LargeBodies, framing: LargeFraming) {
  await link.send(headOf('POST /upload HTTP/1.1', 'Host: web', bodies.fieldOf(framing)));
  const sent = await bodies.send(link, framing);
  const { body } = await readResponse(link);
  return { sent, arrived: JSON.parse(body.toString()) as Digest };
}

/** Asks for a response with a large body: what arrived. */
export async function downloadLarge(link: PeerLink, framing: LargeFraming): Promise<Digest> {
  const sink = new HashingSink();
  await link.send(headOf(`GET /${framing} HTTP/1.1`, 'Host: web'));
  await readResponse(link, 'GET', sink);
  return sink.digest();
}
