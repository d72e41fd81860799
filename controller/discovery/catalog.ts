/**
 * The resources that proxies subscribe to, compiled once for all that want the same one and
 * compiled again, when asked for, after the mesh changed. A resource's counter grows only when its
 * content does differ.
 */
import { Update } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { Target } from '../../api/gen/culvert/proxy/v1/control.ts';
import { resourceKey } from '../resources/resource.ts';
import type { Mesh, MeshState } from '../state.ts';
import { inboundPorts, outboundPorts } from './declared-ports.ts';
import { compileDestination } from './destination.ts';
import type { UpdateResource } from './destination.ts';
import { ownerOf } from './endpoints.ts';

/** Content and the counter of its version. */
export interface VersionedResource {
  /** Greater than that of any earlier content, of whatever key. */
  readonly counter: number;
  readonly resource: UpdateResource;
}

/** What a subscription is about: the same subject is compiled once. */
export interface Subject {
  readonly id: string;
  /** What a destination was asked for by; undefined of a pod's own resource. */
  readonly target: Target | undefined;
  /** Undefined while there is nothing to say yet. */
  readonly compile: (mesh: Mesh) => UpdateResource | undefined;
}

interface Entry {
  readonly subject: Subject;
  holders: number;
  /** Of the mesh `current` was compiled from; -1 before the first. */
  meshVersion: number;
  bytes: Uint8Array | undefined;
  current: VersionedResource | undefined;
}

/** Compiles what is held, at most once for each mesh. */
export class ResourceCatalog {
  readonly #state: MeshState;
  readonly #entries = new Map<string, Entry>();
  #counter = 0;

  constructor(state: MeshState) {
    this.#state = state;
  }

  /** Distinct subjects held now. */
  get size(): number {
    return this.#entries.size;
  }

  /** Holds `subject` until as many `release` calls have come. */
  hold(subject: Subject): void {
    const entry = this.#entries.get(subject.id);
    if (entry !== undefined) entry.holders++;
    else {
      this.#entries.set(subject.id, {
        subject,
        holders: 1,
        meshVersion: -1,
        bytes: undefined,
        current: undefined,
      });
    }
  }

  release(subject: Subject): void {
    const entry = this.#entries.get(subject.id);
    if (entry !== undefined && --entry.holders === 0) this.#entries.delete(subject.id);
  }

  /** The latest content of a held subject; undefined while there is nothing to say yet. */
  latest(subject: Subject): VersionedResource | undefined {
    const entry = this.#entries.get(subject.id);
    if (entry === undefined) return undefined;
    const mesh = this.#state.current;
    if (entry.meshVersion !== mesh.version) {
      entry.meshVersion = mesh.version;
      const resource = entry.subject.compile(mesh);
      // What a proxy has in force stays when the pod it came from is gone.
      if (resource !== undefined) this.#accept(entry, resource);
    }
    return entry.current;
  }

  #accept(entry: Entry, resource: UpdateResource): void {
    const bytes = Update.encode({ key: '', version: undefined, resource }).finish();
    if (entry.bytes !== undefined && Buffer.compare(entry.bytes, bytes) === 0) return;
    entry.bytes = bytes;
    entry.current = { counter: ++this.#counter, resource };
  }
}

/** A destination, as a proxy in `namespace` sees it. */
export function destinationSubject(target: Target, namespace: string): Subject {
  const { originalDst, authority, port } = target;
  return {
    id: JSON.stringify([namespace, originalDst, originalDst === '' ? authority : '', port]),
    target,
    compile: (mesh) => compileDestination(mesh, target, namespace),
  };
}

/** A pod's own inbound resource. */
export function inboundSubject(namespace: string, pod: string): Subject {
  return {
    id: JSON.stringify(['inbound', namespace, pod]),
    target: undefined,
    compile: (mesh) => {
      const found = mesh.pods.get(resourceKey(namespace, pod));
      if (found === undefined) return undefined;
      const value = {
        owner: ownerOf(found),
        ports: inboundPorts(mesh, found),
        outboundPorts: outboundPorts(found),
      };
      return { $case: 'inbound', value };
    },
  };
}
