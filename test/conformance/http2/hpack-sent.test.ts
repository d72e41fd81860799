/** The field blocks that the sidecar sends, in both roles (RFC 7541). */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Http2Peer } from '../../support/http2-peer.ts';
import type { DecodedBlock, DecodedField } from '../../support/http2-hpack.ts';
import { Random } from '../../support/random.ts';
import {
  block,
  data,
  END_STREAM,
  getBlock,
  headers,
  lastHeaders,
  literal,
  NEVER,
  SETTING,
  settings,
  statusBlock,
  type WireField,
} from '../../support/http2-wire.ts';
import { TwoEnds } from './two-ends.ts';

const { HEADER_TABLE_SIZE } = SETTING;
const RECURRING: WireField = ['x-recurring', 'the same each time'];

const how = (fields: readonly DecodedField[], name: string): string | undefined =>
  fields.find((field) => field.name === name)?.how;

const blockOf = (peer: Http2Peer, id: number): DecodedBlock | undefined =>
  peer.received.find(({ type, stream }) => type === 'HEADERS' && stream === id)?.block;

describe('HTTP/2 field blocks that the sidecar sends', () => {
  let ends: TwoEnds;
  let client: Http2Peer;
  let upstream: Http2Peer;
  before(async () => {
    ends = await TwoEnds.start();
  });
  after(() => ends.stop());
  afterEach(async () => {
    assert.deepEqual(await ends.hangUp(), []);
  });

  /** A request and its answer; the blocks that the sidecar made of them. */
  async function exchange(request: Buffer, answer: Buffer) {
    const stream = client.open();
    void client.send(lastHeaders(stream, request));
    upstream ??= await ends.upstream();
    const { stream: asked } = await upstream.nextRequest();
    void upstream.send(lastHeaders(asked, answer));
    await client.message(stream);
    const toServer = blockOf(upstream, asked);
    const toClient = blockOf(client, stream);
    assert.ok(toServer !== undefined && toClient !== undefined);
    return { toServer, toClient };
  }

  async function connect(...values: readonly (readonly [number, number])[]): Promise<void> {
    client = await ends.dial({ settings: values }, { settings: values });
    upstream = undefined as unknown as Http2Peer;
  }

  it('7.1.3: keeps never-indexed what came never-indexed', async () => {
    await connect();
    const secret = literal('x-secret', 'hidden', NEVER);
    for (let i = 0; i < 4; i++) {
      const { toServer, toClient } = await exchange(
        Buffer.concat([getBlock(), secret]),
        Buffer.concat([statusBlock(200), secret]),
      );
      assert.equal(how(toServer.fields, 'x-secret'), 'never');
      assert.equal(how(toClient.fields, 'x-secret'), 'never');
    }
  });

  it('7.1.3: puts no credentials into the table', async () => {
    await connect();
    for (let i = 0; i < 4; i++) {
      const { toServer, toClient } = await exchange(
        getBlock(['authorization', 'Bearer x'], ['cookie', 'a=b']),
        statusBlock(200, ['set-cookie', 'a=b']),
      );
      for (const [fields, name] of [
        [toServer.fields, 'authorization'],
        [toServer.fields, 'cookie'],
        [toClient.fields, 'set-cookie'],
      ] as const) {
        assert.ok(['never', 'without'].includes(how(fields, name) ?? ''), name);
      }
    }
  });

  it('6.1: uses the table for fields that recur', async () => {
    await connect();
    let last;
    for (let i = 0; i < 5; i++)
      last = await exchange(getBlock(RECURRING), statusBlock(200, RECURRING));
    assert.equal(how(last?.toServer.fields ?? [], RECURRING[0]), 'indexed');
    assert.equal(how(last?.toClient.fields ?? [], RECURRING[0]), 'indexed');
  });

  it('4.2: keeps nothing in a table of size 0', async () => {
    await connect([HEADER_TABLE_SIZE, 0]);
    // The first block upstream may leave before the SETTINGS of the server are there.
    await exchange(getBlock(RECURRING), statusBlock(200, RECURRING));
    for (let i = 0; i < 4; i++) {
      const { toServer, toClient } = await exchange(
        getBlock(RECURRING),
        statusBlock(200, RECURRING),
      );
      assert.ok(['never', 'without'].includes(how(toServer.fields, RECURRING[0]) ?? ''));
      assert.ok(['never', 'without'].includes(how(toClient.fields, RECURRING[0]) ?? ''));
    }
  });

  it('4.2: says so when SETTINGS make its table smaller, and larger again', async () => {
    await connect();
    for (let i = 0; i < 4; i++) await exchange(getBlock(RECURRING), statusBlock(200, RECURRING));
    for (const peer of [client, upstream]) {
      void peer.send(settings([HEADER_TABLE_SIZE, 100]));
      await peer.alive();
    }
    const smaller = await exchange(getBlock(RECURRING), statusBlock(200, RECURRING));
    assert.deepEqual(smaller.toServer.tableSizes, [100]);
    assert.deepEqual(smaller.toClient.tableSizes, [100]);
    for (const peer of [client, upstream]) {
      void peer.send(settings([HEADER_TABLE_SIZE, 0], [HEADER_TABLE_SIZE, 4_096]));
      await peer.alive();
    }
    const emptied = await exchange(getBlock(RECURRING), statusBlock(200, RECURRING));
    for (const { tableSizes } of [emptied.toServer, emptied.toClient]) {
      assert.equal(tableSizes[0], 0, tableSizes.join());
    }
    for (let i = 0; i < 4; i++) await exchange(getBlock(RECURRING), statusBlock(200, RECURRING));
  });

  it('4.4: is understood through thousands of fields of every kind', async () => {
    await connect();
    const random = new Random(7_541);
    const pick = (): WireField => {
      const name = `x-${random.integer(1, 40)}`;
      const value = 'v'.repeat(random.integer(0, 300)) + random.integer(1, 5);
      return [name, value];
    };
    for (let i = 0; i < 300; i++) {
      const sent = Array.from({ length: random.integer(0, 12) }, pick);
      const { toServer, toClient } = await exchange(getBlock(...sent), statusBlock(200, ...sent));
      for (const { fields } of [toServer, toClient]) {
        const regular = fields.filter(({ name }) => name.startsWith('x-'));
        assert.deepEqual(
          regular.map(({ name, value }) => [name, value]),
          sent,
        );
      }
    }
  });

  it('2.2: goes on with the table behind trailers and resets', async () => {
    await connect();
    for (let i = 0; i < 6; i++) {
      const stream = client.open();
      void client.send(headers(stream, getBlock(RECURRING)), data(stream, 'x'));
      void client.send(lastHeaders(stream, block(RECURRING)));
      upstream ??= await ends.upstream();
      const { stream: asked, trailers } = await upstream.nextRequest();
      assert.equal(trailers[0]?.value, RECURRING[1]);
      void upstream.send(headers(asked, statusBlock(200, RECURRING)), data(asked, 'y'));
      void upstream.send(headers(asked, block(RECURRING), 4 | END_STREAM));
      const answer = await client.message(stream);
      assert.equal(answer.trailers[0]?.value, RECURRING[1]);
    }
  });
});
