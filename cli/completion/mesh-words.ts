/** Completions that only the running mesh knows: names of namespaces and of resources. */
import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { ResourceRef } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { MeshApi } from '../mesh-api.ts';
import { parseResource, resourceRef, STAT_KINDS } from '../stat/stat-kind.ts';
import type { TypedLine } from './typed-line.ts';

/** Routes and authorities are known by their traffic: the longest window sees most of them. */
const WINDOW_SECONDS = 3_600;

/** A name with one is no word for a command line: it would end it, or hide what it says. */
const CONTROL = /\p{Cc}/u;

/** All words that the incomplete `word` of the line can become. Rejects when the API does not answer. */
export async function meshWords(
  api: Pick<MeshApi, 'statSummary'>,
  line: TypedLine,
  word: string,
): Promise<readonly string[]> {
  const asked = whatToName(line, word);
  if (asked === undefined) return [];
  const { rows } = await api.statSummary({
    resource: asked.resources,
    windowSeconds: WINDOW_SECONDS,
    to: undefined,
    from: undefined,
  });
  const names = new Set(rows.map(({ name }) => `${asked.prefix}${name}`));
  return [...names].filter((name) => name.startsWith(word) && !CONTROL.test(name)).toSorted();
}

interface Asked {
  readonly resources: ResourceRef;
  /** Comes before each name. */
  readonly prefix: string;
}

function whatToName(line: TypedLine, word: string): Asked | undefined {
  const { next, values } = line;
  const kind = ResourceKind.RESOURCE_KIND_NAMESPACE;
  if (next?.name === 'namespace')
    return { resources: { kind, namespace: '', name: '' }, prefix: '' };
  const namespace = namespaceOf(line);
  if (next?.name === 'name') {
    const resources = resourcesOf(values[0] ?? '', namespace);
    return resources && { resources, prefix: '' };
  }
  const slash = word.indexOf('/');
  if (slash === -1) return undefined;
  const type = word.slice(0, slash);
  const resources = resourcesOf(type, namespace);
  return resources && { resources, prefix: `${type}/` };
}

/** Where the line looks for what is being typed: `--to`, say, has a namespace of its own. */
function namespaceOf({ options, nextFlag }: TypedLine): string {
  const own = nextFlag === undefined ? undefined : options.get(`${nextFlag}-namespace`);
  if (own !== undefined) return own;
  return options.has('--all-namespaces') ? '' : (options.get('--namespace') ?? 'default');
}

/** Undefined when the word is no type. */
function resourcesOf(type: string, namespace: string): ResourceRef | undefined {
  const known = STAT_KINDS.some(({ name, shortName, plural }) =>
    [name, shortName, plural].includes(type),
  );
  return known ? resourceRef(parseResource(type, undefined), namespace) : undefined;
}
