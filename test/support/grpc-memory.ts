/** gRPC calls in memory: a scripted server at the other end, names and time in the test's hands. */
import assert from 'node:assert/strict';
import { describeStatus } from '../../proxy/codec/grpc/status.ts';
import type { GrpcCall, StreamMethod } from '../../proxy/control/grpc/grpc-call.ts';
import type { GrpcConnection } from '../../proxy/control/grpc/grpc-connection.ts';
import { GrpcDial } from '../../proxy/control/grpc/grpc-dial.ts';
import { MeshError } from '../../proxy/model/mesh-error.ts';
import type { Resolve } from '../../proxy/route/dns.ts';
import { unlabelledDestination } from '../../proxy/route/unlabelled.ts';
import type { MemoryOptions } from '../../proxy/transport/memory.ts';
import { Http2MemoryPeer } from './http2-memory-peer.ts';
import { PREFACE, block, data, headers, lastHeaders, settings, settingsAck } from './http2-wire.ts';
import { MemoryWorld } from './memory-world.ts';

export const PORT = 8086;
export const HEAD = block([':status', '200'], ['content-type', 'application/grpc']);

/** Messages are text; "!" is none. */
export const ECHO: StreamMethod<string, string> = {
  path: '/test.Echo/Talk',
  encode: (text) => Buffer.from(text, 'latin1'),
  decode: (bytes) => {
    const text = Buffer.from(bytes).toString('latin1');
    if (text === '!') throw new Error('it shouts');
    return text;
  },
};

/** A message with its prefix, as DATA of `stream`. */
export function messageData(text: string, stream = 1, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(text.length, 1);
  return data(stream, Buffer.concat([prefix, Buffer.from(text, 'latin1')]));
}

/** Trailers, or with ":status" a head that is all. */
export const lastBlock = (...fields: readonly (readonly [name: string, value: string])[]): Buffer =>
  lastHeaders(1, block(...fields));

/** A dial for a name of the addresses given, and what came of it. */
export class GrpcMemoryBench {
  readonly world: MemoryWorld;
  readonly heard: string[] = [];
  readonly asked: string[] = [];
  connection: GrpcConnection | undefined = undefined;
  /** Whom the dial is for. */
  host = 'controller';
  dial!: GrpcDial;

  constructor(options: MemoryOptions = {}) {
    this.world = new MemoryWorld(options);
  }

  /** `found`: addresses of the name, or why there is none; they are told when `wait` calls its argument. */
  begin(
    found: readonly string[] | MeshError,
    random = 0,
    wait: (tell: () => void) => unknown = (tell) => tell(),
  ): void {
    const { clock, transport } = this.world;
    const resolve: Resolve = ({ authority = '', port }, tell) => {
      this.asked.push(`${authority}:${port}`);
      const answer =
        found instanceof MeshError
          ? found
          : unlabelledDestination(
              '',
              '',
              port,
              found.map((host) => ({ host, port })),
            );
      wait(() => tell({ found: answer, keepMs: 0 }));
    };
    const parts = { transport, wheel: clock.wheel, resolve, random: () => random };
    this.run(() => {
      this.dial = new GrpcDial(
        parts,
        { host: this.host, port: PORT },
        {
          opened: (connection) => {
            this.connection = connection;
            this.heard.push('opened');
          },
          failed: (reason) => this.heard.push(`failed ${reason}`),
          leaving: () => this.heard.push('leaving'),
        },
      );
    });
  }

  run(work: () => void): void {
    this.world.clock.turn.run(work);
    this.world.run();
  }
}

/** A call to a scripted server, at its stream 1. */
export class GrpcCallBench extends GrpcMemoryBench {
  readonly messages: string[] = [];
  readonly events: string[] = [];
  call!: GrpcCall<string, string>;
  peer!: Http2MemoryPeer;
  onMessage: (text: string) => void = () => undefined;

  /** `values`: the server's SETTINGS. */
  static async start(
    options: MemoryOptions & { readonly host?: string } = {},
    values: readonly (readonly [id: number, value: number])[] = [],
  ): Promise<GrpcCallBench> {
    const bench = new GrpcCallBench(options);
    bench.host = options.host ?? bench.host;
    const peers = await bench.world.serve({ host: '10.0.0.1', port: PORT });
    bench.begin(['10.0.0.1']);
    const peer = peers[0];
    assert(peer !== undefined);
    const text = peer.take();
    assert.equal(text.slice(0, PREFACE.length), PREFACE.toString('latin1'));
    peer.keep(text.slice(PREFACE.length));
    bench.peer = new Http2MemoryPeer(bench.world, peer, 'server');
    bench.peer.send(settings(...values), settingsAck());
    assert.deepEqual(bench.heard, ['opened']);
    bench.peer.take();
    bench.run(() => bench.#ask());
    return bench;
  }

  #ask(): void {
    const call = this.connection?.call(ECHO, {
      message: (text) => {
        this.messages.push(text);
        this.onMessage(text);
      },
      drained: () => this.events.push('drained'),
      ended: (status) => this.events.push(`ended ${describeStatus(status)}`),
    });
    assert(call !== undefined);
    this.call = call;
  }

  /** The head of an answer, and messages. */
  answer(...texts: readonly string[]): void {
    this.peer.send(headers(1, HEAD), ...texts.map((text) => messageData(text)));
  }

  /** Whether it was all right to write more. */
  write(text: string): boolean {
    let writable = false;
    this.run(() => (writable = this.call.write(text)));
    return writable;
  }

  /** All is let go; the server heard nothing wrong. */
  finish(): void {
    this.run(() => {
      this.call.cancel();
      this.dial.close();
    });
    assert.deepEqual(this.peer.referee.violations, []);
    if (!this.peer.peer.closed) this.peer.peer.reset();
    this.world.run();
    assert.equal(this.world.transport.slabs.out, 0);
    assert.equal(this.world.clock.wheel.armed, 0, 'timers');
  }
}
