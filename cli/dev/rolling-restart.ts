/**
 * The order in which a Deployment's pods are replaced, as Kubernetes does it (RollingUpdate with its
 * defaults: maxSurge 25 % rounded up, maxUnavailable 25 % rounded down).
 *
 *   room for one more?  ─yes─> start a new pod ──ready──┐
 *   one ready too many? ─yes─> end an old one  ──gone───┴──> look again, until all are new
 *
 * With one replica: the new one first. A new pod that does not get ready stops it: what is left of
 * the old ones goes on.
 */

/** How pods are started and ended. */
export interface PodSteps<Pod> {
  /** Starts a new pod; resolves when it is ready and others know it, rejects when it does not get so. */
  readonly start: () => Promise<Pod>;
  /** Ends an old pod in order; resolves when it is gone. Never rejects. */
  readonly end: (pod: Pod) => Promise<void>;
  readonly isReady: (pod: Pod) => boolean;
}

/** Pods above and below the wanted number while it rolls. */
export const surgeOf = (replicas: number): { readonly more: number; readonly fewer: number } => ({
  more: Math.ceil(replicas / 4),
  fewer: Math.floor(replicas / 4),
});

/** Replaces every pod of `old`. Resolves to the new ones; rejects when one does not start. */
export async function rollPods<Pod>(
  old: readonly Pod[],
  steps: PodSteps<Pod>,
): Promise<readonly Pod[]> {
  const replicas = old.length;
  const { fewer, more } = surgeOf(replicas);
  const left = [...old];
  const started: Pod[] = [];
  const starting = new Set<Promise<void>>();
  const ending = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const startOne = (): void => {
    const step = steps
      .start()
      .then(
        (pod) => void started.push(pod),
        (error: unknown) => void failures.push(error),
      )
      .finally(() => starting.delete(step));
    starting.add(step);
  };
  const endOne = (pod: Pod): void => {
    const step = steps.end(pod).finally(() => ending.delete(step));
    ending.add(step);
  };
  // One that is being ended counts no more, as in Kubernetes.
  const planned = (): number => started.length + starting.size;
  for (;;) {
    const ready = started.length + left.filter(steps.isReady).length;
    let spare = ready - (replicas - fewer);
    while (failures.length === 0 && left.length > 0) {
      // What does not serve is the first to go, and costs nothing.
      const unready = left.findIndex((pod) => !steps.isReady(pod));
      if (unready === -1 && spare-- <= 0) break;
      for (const pod of left.splice(Math.max(0, unready), 1)) endOne(pod);
    }
    while (
      failures.length === 0 &&
      planned() < replicas &&
      planned() + left.length < replicas + more
    ) {
      startOne();
    }
    const done = left.length === 0 && started.length === replicas;
    if ((done || failures.length > 0) && starting.size + ending.size === 0) break;
    await Promise.race([...starting, ...ending]);
  }
  if (failures.length > 0) return Promise.reject(failures[0]);
  return started;
}
