/**
 * The pods that a Service's selector names. Each change of anything makes a new mesh, in which every
 * Service looks for its pods again: with a thousand of each in a namespace that must not be a product.
 */
import type { Pod, Service } from '../resources/resource.ts';
import type { Mesh } from '../state.ts';

/** By namespace, label and value. */
type PodsByLabel = ReadonlyMap<string, readonly Pod[]>;

/** Made for the first who asks of a mesh. */
const podsByLabelOfMesh = new WeakMap<Mesh, PodsByLabel>();

/** Pods that the selector names, in the order of the mesh; none without a selector. */
export function podsOfService(mesh: Mesh, { namespace, selector }: Service): readonly Pod[] {
  if (selector.size === 0) return [];
  const byLabel = podsByLabel(mesh);
  let fewest: readonly Pod[] | undefined;
  for (const [label, value] of selector) {
    const having = byLabel.get(keyOf(namespace, label, value)) ?? [];
    if (fewest === undefined || having.length < fewest.length) fewest = having;
  }
  return (fewest ?? []).filter(({ labels }) =>
    selector.entries().every(([label, value]) => labels.get(label) === value),
  );
}

function podsByLabel(mesh: Mesh): PodsByLabel {
  const known = podsByLabelOfMesh.get(mesh);
  if (known !== undefined) return known;
  const all = new Map<string, Pod[]>();
  for (const pod of mesh.pods.values()) {
    for (const [label, value] of pod.labels) {
      const key = keyOf(pod.namespace, label, value);
      const having = all.get(key);
      if (having === undefined) all.set(key, [pod]);
      // Two of its labels may come to one key.
      else if (having.at(-1) !== pod) having.push(pod);
    }
  }
  podsByLabelOfMesh.set(mesh, all);
  return all;
}

/** Two that come to one key find each other's pods too, which the selector leaves out. */
const keyOf = (namespace: string, label: string, value: string): string =>
  `${namespace}\n${label}\n${value}`;
