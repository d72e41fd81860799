/** What code is for, by where it lives: the colours of a page and the rows of its tables. */

/** One stage: what it is called, and its colour on light and dark pages. */
export interface Stage {
  readonly name: string;
  readonly about: string;
  readonly colour: string;
}

/** From the wire inwards, then what carries it. */
export const STAGES = [
  { name: 'transport', about: 'sockets: proxy/transport', colour: '#7fb8e6' },
  { name: 'codec', about: 'bytes to messages and back: proxy/codec', colour: '#f2a65a' },
  { name: 'session', about: 'protocol state on a link: proxy/session', colour: '#f7d154' },
  { name: 'model', about: 'exchange, head: proxy/model', colour: '#d9c27e' },
  {
    name: 'decisions',
    about: 'accept, detect, policy, route, attempt, balance, budget, pool',
    colour: '#8fd19e',
  },
  { name: 'observe', about: 'counts and histograms: proxy/observe, api', colour: '#c9a3e0' },
  { name: 'base', about: 'composition and clocks: base, the files of proxy', colour: '#b7d4a8' },
  { name: 'control', about: 'proxy/control, admin, memory, tap', colour: '#e5a3b8' },
  { name: 'library', about: 'packages of others', colour: '#d7a98c' },
  { name: 'node', about: "JavaScript of Node's own", colour: '#9fcfc7' },
  { name: 'native', about: 'C++ called by JavaScript, with its system calls', colour: '#e98b7d' },
  {
    name: 'kernel',
    about: 'outside JavaScript: epoll, reads of sockets, libuv, V8 itself',
    colour: '#c07f7f',
  },
  { name: 'gc', about: 'garbage collection', colour: '#ef6f6c' },
  { name: 'other', about: 'what has no place above', colour: '#c9ccd1' },
  { name: 'idle', about: 'waiting, and the profiler itself', colour: '#e8eaed' },
] as const satisfies readonly Stage[];

/** Name of a stage. */
export type StageName = (typeof STAGES)[number]['name'];

/** Frames that V8 makes up, by name: the CPU profile's, then the heap profile's. */
const MADE_UP: ReadonlyMap<string, StageName> = new Map([
  ['(root)', 'other'],
  ['(idle)', 'idle'],
  ['(program)', 'kernel'],
  ['(garbage collector)', 'gc'],
  ['(GC)', 'gc'],
]);

const FOLDERS: readonly (readonly [RegExp, StageName])[] = [
  // What beginning and ending a profile costs is nothing that a sidecar does otherwise.
  [/^(?:node:inspector|proxy\/admin\/own-profile\.ts$)/, 'idle'],
  [/^node:/, 'node'],
  [/^node_modules\//, 'library'],
  [/^proxy\/transport\//, 'transport'],
  [/^proxy\/codec\//, 'codec'],
  [/^proxy\/session\//, 'session'],
  [/^proxy\/model\//, 'model'],
  [/^proxy\/(?:accept|detect|policy|route|attempt|balance|budget|pool)\//, 'decisions'],
  [/^(?:proxy\/observe|api)\//, 'observe'],
  [/^proxy\/(?:control|admin|memory|tap)\//, 'control'],
  [/^(?:base\/|proxy\/[^/]+$)/, 'base'],
];

/** The stage of a function `name` in `file`, a path as frames.ts writes it; "" is native code. */
export function stageOf(name: string, file: string): StageName {
  if (file === '') return MADE_UP.get(name) ?? 'native';
  return FOLDERS.find(([pattern]) => pattern.test(file))?.[1] ?? 'other';
}
