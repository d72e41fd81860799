/** The Control service: every proxy's stream, and what the rest of the controller asks of them. */
import { status } from '@grpc/grpc-js';

import type { ControlServer } from '../../api/gen/culvert/proxy/v1/control_service.ts';
import type { Log } from '../../base/log.ts';
import type { MeshState } from '../state.ts';
import { ResourceCatalog } from './catalog.ts';
import { ControlStream } from './control-stream.ts';
import type { ControlCounters, ControlStreamSettings } from './control-stream.ts';

/** Limits and times of all streams. */
export interface DiscoverySettings extends ControlStreamSettings {
  /** Streams end at this age, plus or minus a fifth, so that proxies spread over controllers. */
  readonly streamAgeMsMax: number;
}

/** Clock, chance and log, for tests. */
export interface DiscoveryOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly log: Log;
}

const AGE_JITTER = 0.2;

/** All control streams of one controller. */
export class DiscoveryService {
  readonly counters: ControlCounters = {
    updates: 0,
    acks: 0,
    nacks: 0,
    slowReaders: 0,
    missedHeartbeats: 0,
    droppedSubscriptions: 0,
  };
  readonly catalog: ResourceCatalog;
  readonly #settings: DiscoverySettings;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #log: Log;
  readonly #streams = new Set<ControlStream>();
  readonly #stopListening: () => void;

  constructor(state: MeshState, settings: DiscoverySettings, options: DiscoveryOptions) {
    this.#settings = settings;
    this.#now = options.now;
    this.#random = options.random;
    this.#log = options.log;
    this.catalog = new ResourceCatalog(state);
    this.#stopListening = state.onChange(() => {
      for (const stream of this.#streams) stream.refresh();
    });
  }

  /** Streams open now, greeted or not. */
  get streams(): ReadonlySet<ControlStream> {
    return this.#streams;
  }

  /** The handlers to give to a gRPC server. */
  handlers(): ControlServer {
    return {
      connect: (call) => {
        const jitter = 1 + AGE_JITTER * (2 * this.#random() - 1);
        const stream = new ControlStream(call, this.catalog, this.#settings, this.counters, {
          now: this.#now,
          log: this.#log,
          ageMsMax: this.#settings.streamAgeMsMax * jitter,
          onEnd: () => this.#streams.delete(stream),
        });
        this.#streams.add(stream);
      },
    };
  }

  /** Called about once a second. */
  tick(): void {
    for (const stream of this.#streams) stream.tick();
  }

  /** Ends every stream. */
  stop(): void {
    this.#stopListening();
    for (const stream of this.#streams) {
      stream.end(status.UNAVAILABLE, 'the controller stops; reconnect');
    }
  }
}
