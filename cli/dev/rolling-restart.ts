/**
 * The order in which a Deployment's pods are replaced, as Kubernetes does it (RollingUpdate with its
 * defaults: maxSurge 25 % rounded up, maxUnavailable 25 % rounded down).
 *
 *   more pods than must serve? ─yes─> end old ones ─────gone───┐
 *   room for one more?         ─yes─> start a new pod ──ready──┤
 *   neither, as some do not serve? ─> wait a while ────────────┴──> look again, until all are new
 *
 * With one replica: the new one first. A new pod that does not get ready stops it: what is left of
 * the old ones goes on. Unlike in Kubernetes the new pod is taken away then, so up to a quarter of
 * the pods may be missing; the next roll starts from the wanted number again.
 */

/** How pods are started and ended. */
export interface PodSteps<Pod> {
  /** Starts a new pod; resolves when it is ready and others know it, rejects when it does not get so. */
  readonly start: () => Promise<Pod>;
  /** Ends an old pod in order; resolves when it is gone. Never rejects. */
  readonly end: (pod: Pod) => Promise<void>;
  readonly isReady: (pod: Pod) => boolean;
  /**
   * Nothing goes on until pods that were ready are so again: resolves when they are worth another
   * look, rejects when that has lasted too long. `times` counts from 1 since the last start or end.
   */
  readonly wait: (times: number) => Promise<void>;
}

/** Pods above and below the wanted number while it rolls. */
export const surgeOf = (replicas: number): { readonly more: number; readonly fewer: number } => ({
  more: Math.ceil(replicas / 4),
  fewer: Math.floor(replicas / 4),
});

/** Old pods that can go while `atLeast` pods are to serve; `newReady` new ones do. */
function spareOf<Pod>(
  old: readonly Pod[],
  newReady: number,
  atLeast: number,
  isReady: (pod: Pod) => boolean,
): readonly Pod[] {
  const serving = old.filter(isReady);
  const idle = old.filter((pod) => !serving.includes(pod));
  // One that does not serve may be about to, in place of one that is missing: some of them stay.
  const idleSpare = Math.max(0, old.length + newReady - atLeast);
  const servingSpare = Math.max(0, serving.length + newReady - atLeast);
  return [...idle.slice(0, idleSpare), ...serving.slice(0, servingSpare)];
}

/**
 * Replaces every pod of `old` by `wanted` new ones. Resolves to those, all ready; rejects when one
 * does not start, or serves no more.
 */
export async function rollPods<Pod>(
  old: readonly Pod[],
  wanted: number,
  steps: PodSteps<Pod>,
): Promise<readonly Pod[]> {
  const { fewer, more } = surgeOf(wanted);
  const left = new Set(old);
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
    // One that is being ended counts no more, as in Kubernetes.
    left.delete(pod);
    const step = steps.end(pod).finally(() => ending.delete(step));
    ending.add(step);
  };
  const planned = (): number => started.length + starting.size;
  let waits = 0;
  for (;;) {
    const newReady = started.filter(steps.isReady).length;
    if (failures.length === 0) {
      for (const pod of spareOf([...left], newReady, wanted - fewer, steps.isReady)) endOne(pod);
      while (planned() < wanted && planned() + left.size < wanted + more) startOne();
    }
    if (starting.size + ending.size > 0) {
      waits = 0;
      await Promise.race([...starting, ...ending]);
      continue;
    }
    if (failures.length > 0) return Promise.reject(failures[0]);
    if (left.size === 0 && newReady === wanted) return started;
    await steps.wait(++waits);
  }
}
