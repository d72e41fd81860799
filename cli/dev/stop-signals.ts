const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** One Ctrl-C reaches us from the terminal and from npm as well: this close, two are one. */
const SAME_REQUEST_MS = 300;

/** Turns signals into the wish to stop, and a later one into the wish to stop at once. */
export class StopSignals {
  readonly #first = new AbortController();
  readonly #second = new AbortController();
  readonly #nowMs: () => number;
  #firstMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Aborts when the mesh is to stop. */
  get stop(): AbortSignal {
    return this.#first.signal;
  }

  /** Aborts when the mesh is to stop at once. */
  get stopAtOnce(): AbortSignal {
    return this.#second.signal;
  }

  /** From now on signals to this process count; the answer ends that. */
  listen(): () => void {
    const onSignal = (): void => this.request();
    for (const signal of SIGNALS) process.on(signal, onSignal);
    return () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    };
  }

  /** Somebody wants the mesh to stop. */
  request(): void {
    const now = this.#nowMs();
    if (!this.#first.signal.aborted) {
      this.#firstMs = now;
      this.#first.abort();
    } else if (now - this.#firstMs >= SAME_REQUEST_MS) {
      this.#second.abort();
    }
  }
}
