/**
 * What a sidecar holds: its /config.json, read as far as it goes. What the controller told it (which
 * endpoints there are) and what its data threads made of that (how dials went) are joined by target
 * and address; figures of several threads are summed.
 */
import { JsonView } from './json-view.ts';

/** One endpoint of a destination. */
export interface HeldEndpoint {
  /** "address:port". */
  readonly address: string;
  readonly state: 'ready' | 'not ready' | 'terminating';
  readonly meshed: boolean;
  /** Undefined when nobody says. */
  readonly protocol: string | undefined;
  /** Requests and connections under way. */
  readonly pending: number;
  /** Idle HTTP/1.1 connections to it. */
  readonly idle: number;
  readonly lastDialError: string | undefined;
  readonly failingForMs: number | undefined;
}

/** One target that the application asked for. */
export interface HeldDestination {
  /** As it was asked for: "web.demo:8080". */
  readonly target: string;
  /** Its name in full; undefined while nothing is known. */
  readonly authority: string | undefined;
  /** Counter of the version that came last; undefined stand-alone. */
  readonly version: number | undefined;
  /** Since that came. */
  readonly ageMs: number | undefined;
  readonly ready: number;
  readonly total: number;
  readonly noneReadyForMs: number | undefined;
  /** Why requests fail, or why the last version is not in force. */
  readonly problem: string | undefined;
  readonly endpoints: readonly HeldEndpoint[];
}

/** A failure of late. */
export interface HeldError {
  readonly direction: string;
  readonly error: string;
  readonly sentence: string;
  readonly count: number;
  readonly agoMs: number;
}

/** All of it. */
export interface ProxyState {
  /** Why it is not ready; undefined when it is. */
  readonly notReady: string | undefined;
  /** Undefined stand-alone. */
  readonly controller:
    | {
        readonly address: string;
        readonly connected: boolean;
        readonly heardAgoMs: number | undefined;
      }
    | undefined;
  readonly threads: readonly {
    readonly thread: number;
    readonly serving: boolean;
    readonly restarts: number;
    readonly connections: number;
    /** Serves, but did not say in time what it holds: the figures of its endpoints are missing. */
    readonly silent: boolean;
  }[];
  readonly destinations: readonly HeldDestination[];
  /** The latest first. */
  readonly errors: readonly HeldError[];
}

/** Reads /config.json. */
export function readProxyState(config: unknown): ProxyState {
  const view = new JsonView(config);
  const threads = view.at('threads').items;
  return {
    notReady: view.at('notReady').text,
    controller: readController(view),
    threads: threads.map((thread, i) => ({
      thread: thread.at('thread').number ?? i,
      serving: thread.at('serving').isTrue,
      restarts: thread.at('restarts').number ?? 0,
      connections: thread.at('downstreamLinks').number ?? 0,
      silent: thread.at('serving').isTrue && !thread.at('destinations').isArray,
    })),
    destinations: readDestinations(view.at('destinations'), threads),
    errors: threads
      .flatMap((thread) => thread.at('errors').items.map(readError))
      .toSorted((a, b) => a.agoMs - b.agoMs),
  };
}

function readController(view: JsonView): ProxyState['controller'] {
  const said = view.at('settings').at('controller');
  if (said.at('host').text === undefined) return undefined;
  const control = view.at('control');
  return {
    address: addressOf(said),
    connected: control.at('connected').isTrue,
    heardAgoMs: rounded(control.at('ageMs').number),
  };
}

const readError = (error: JsonView): HeldError => ({
  direction: error.at('direction').text ?? '',
  error: error.at('error').text ?? '',
  sentence: error.at('sentence').text ?? '',
  count: error.at('count').number ?? 0,
  agoMs: error.at('agoMs').number ?? 0,
});

function readDestinations(told: JsonView, threads: readonly JsonView[]): HeldDestination[] {
  const held = new Map<string, JsonView[]>();
  for (const thread of threads) {
    for (const one of thread.at('destinations').items) {
      const key = one.at('key').text ?? '';
      held.set(key, [...(held.get(key) ?? []), one]);
    }
  }
  const byKey = new Map(told.entries);
  const keys = new Set([...byKey.keys(), ...held.keys()]);
  return [...keys].toSorted().map((key) => {
    return readDestination(key, byKey.get(key) ?? new JsonView(undefined), held.get(key) ?? []);
  });
}

function readDestination(
  target: string,
  told: JsonView,
  held: readonly JsonView[],
): HeldDestination {
  const last = told.at('last');
  const resource = last.at('resource').at('destination');
  const endpoints = resource.at('endpoints').items;
  const refused = last.at('error').text;
  const problem = refused === undefined ? undefined : `the last version is refused: ${refused}`;
  return {
    target,
    authority: first(held, (one) => one.at('authority').text) ?? resource.at('authority').text,
    version: last.at('version').at('counter').number,
    ageMs: last.at('ageMs').number,
    // What was told, where no thread said what it made of it.
    ready: first(held, (one) => one.at('ready').number) ?? countReady(endpoints),
    total: first(held, (one) => one.at('total').number) ?? endpoints.length,
    noneReadyForMs: first(held, (one) => one.at('noneReadyForMs').number),
    problem:
      problem ??
      first(held, (one) => one.at('problem').text) ??
      last.at('resource').at('reason').text,
    endpoints: readEndpoints(endpoints, held),
  };
}

function readEndpoints(told: readonly JsonView[], held: readonly JsonView[]): HeldEndpoint[] {
  const toldOf = new Map(told.map((one) => [addressOf(one), one]));
  const heldOf = new Map<string, JsonView[]>();
  for (const one of held.flatMap((destination) => destination.at('endpoints').items)) {
    const address = one.at('address').text ?? '';
    heldOf.set(address, [...(heldOf.get(address) ?? []), one]);
  }
  return [...new Set([...toldOf.keys(), ...heldOf.keys()])].map((address) => {
    const said = toldOf.get(address);
    const used = heldOf.get(address) ?? [];
    const failing = used
      .filter((one) => one.at('lastDialError').text !== undefined)
      .toSorted((a, b) => (b.at('failingForMs').number ?? 0) - (a.at('failingForMs').number ?? 0));
    return {
      address,
      state: stateOf(said),
      meshed: said?.at('meshed').isTrue ?? false,
      protocol: said?.at('protocol').text,
      pending: sum(used, (one) => one.at('pending').number),
      idle: sum(used, (one) => one.at('idle').number),
      lastDialError: failing[0]?.at('lastDialError').text,
      failingForMs: failing[0]?.at('failingForMs').number,
    };
  });
}

const countReady = (endpoints: readonly JsonView[]): number =>
  endpoints.filter((endpoint) => stateOf(endpoint) === 'ready').length;

/** Without a controller every endpoint that was given is used. */
function stateOf(told: JsonView | undefined): HeldEndpoint['state'] {
  if (told === undefined) return 'ready';
  if (told.at('terminating').isTrue) return 'terminating';
  return told.at('ready').isTrue ? 'ready' : 'not ready';
}

function addressOf(endpoint: JsonView): string {
  const host = endpoint.at('host').text ?? '';
  const port = endpoint.at('port').number ?? 0;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function first<T>(
  views: readonly JsonView[],
  read: (view: JsonView) => T | undefined,
): T | undefined {
  for (const view of views) {
    const value = read(view);
    if (value !== undefined) return value;
  }
  return undefined;
}

const sum = (views: readonly JsonView[], read: (view: JsonView) => number | undefined): number =>
  views.reduce((total, view) => total + (read(view) ?? 0), 0);

const rounded = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : Math.round(ms);
