/** Whether a pod is ready by its probes: as in Kubernetes, a machine that stalls once takes none away. */

/** One that is ready stays so while it misses fewer in a row. */
const MISSED_MAX = 3;

/** The probes of one pod, one after the other. */
export class ProbedReadiness {
  #missed = 0;

  /** Whether it is ready after a probe that it `answered` or missed, when it was `ready` before. */
  after(answered: boolean, ready: boolean): boolean {
    this.#missed = answered ? 0 : this.#missed + 1;
    return answered || (ready && this.#missed < MISSED_MAX);
  }
}
