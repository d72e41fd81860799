/**
 * START HERE. The whole data path of one thread, as it is put together.
 *
 *   link ─> accept ─> detect ─> session (server) ─> exchange ─> resolve ─> route ─> pick ─> pool
 *                       │                              ^                                     │
 *   link <─ session (server) <─────────────────────────┴─────────── session (client) <── link┘
 *                       └─ not HTTP ─> resolve ─> pick ─> dial ─> tunnel <─> link
 *
 * Each stage calls the next one; the answer walks back. Of the two sides, inbound goes to the
 * application behind the listener, outbound to what the listener stands for or the request names.
 * Connections that the kernel redirected here go where they were going: interception.ts.
 */
import { formatSocketAddress } from '../base/settings.ts';
import { type Begin, Downstreams, type DownstreamsParts } from './accept/downstreams.ts';
import { detect } from './detect/detector.ts';
import type { Destination, Target } from './model/destination.ts';
import type { UpstreamAddress } from './model/endpoint.ts';
import type { Direction } from './model/exchange.ts';
import type { MeshError } from './model/mesh-error.ts';
import { Destinations, type DestinationsParts } from './route/destinations.ts';
import { LearnedRoutes } from './route/learn.ts';
import { NO_ROUTES } from './route/names.ts';
import { NO_AUTHORITY, Targets } from './route/target.ts';
import { unlabelledDestination } from './route/unlabelled.ts';
import type { StackParts } from './stack-parts.ts';
import {
  type Course,
  type Resolution,
  type UpstreamLinks,
  type Upstreams,
  courseOf,
  exchanges,
  inboundClosed,
  upstreams,
} from './upstreams.ts';

/** Connections to the application behind one inbound listener. */
export function inboundStack(parts: StackParts, application: UpstreamAddress): Downstreams {
  const links = upstreams(parts, 'inbound');
  const destination = applicationAt(links, application);
  const course = toApplication(parts, links, destination, (error) => {
    if (error.code === 'upstream-refused') side.upstreamRefuses();
  });
  const listenersClosed = inboundClosed(parts, links);
  const served = { begin: beginOn(course), listenersClosed };
  const side = downstreams(parts, 'inbound', links, course.side, served);
  return side;
}

/** An address of the application as a destination: its callers name the routes. */
export function applicationAt({ compile }: Upstreams, application: UpstreamAddress): Destination {
  const name = formatSocketAddress(application);
  const resource = unlabelledDestination(name, '', application.port, [application]);
  return { ...compile(resource, new LearnedRoutes()), routes: NO_ROUTES };
}

/** The course to an address of the application; `failed` hears of what goes wrong there. */
export function toApplication(
  parts: StackParts,
  links: UpstreamLinks,
  destination: Destination,
  failed: (error: MeshError) => void,
): Course {
  const heard = (direction: Direction, error: MeshError): void => {
    parts.failed(direction, error);
    failed(error);
  };
  return courseOf({ ...parts, failed: heard }, 'inbound', links, destination.port, {
    resolve: () => destination,
    whenResolved: (tell) => tell(destination),
  });
}

/** The outbound side: what its listeners stand for or their requests name, from discovery. */
export class OutboundStack {
  readonly destinations: Destinations;
  readonly #parts: StackParts;
  /** Where its connections go on. */
  readonly upstream: UpstreamLinks;
  readonly #targets = new Targets();
  /** Each hears, by the key of its target, of a pod dialled at its own address that is about to end. */
  readonly podEnding: ((key: string, ending: boolean) => void)[] = [];

  constructor(
    parts: StackParts,
    discovery: Pick<DestinationsParts, 'subscribe' | 'unsubscribe' | 'fallback'>,
  ) {
    const { pool, rawLinks, compile, dispose } = upstreams(parts, 'outbound');
    this.#parts = parts;
    this.upstream = { pool, rawLinks };
    const { nowUs, wheel } = parts;
    const ending = (key: string, is: boolean): void =>
      this.podEnding.forEach((tell) => tell(key, is));
    this.destinations = new Destinations({ ...discovery, wheel, nowUs, compile, dispose, ending });
  }

  /** Connections of a listener; it stands for `fixed`, or its requests name their target. */
  downstreams(fixed: Target | undefined): Downstreams {
    const course = fixed === undefined ? this.#asRequested() : this.courseTo(fixed);
    const served = { begin: beginOn(course) };
    return downstreams(this.#parts, 'outbound', this.upstream, course.side, served);
  }

  /** The course of connections to one target. */
  courseTo(target: Target): Course {
    return courseOf(this.#parts, 'outbound', this.upstream, target.port, {
      // HOT: per exchange.
      resolve: () => this.destinations.find(target, false),
      whenResolved: (tell) => this.destinations.whenFound(target, tell),
    });
  }

  #asRequested(): Course {
    const resolution: Resolution = {
      connects: true,
      // HOT: per exchange.
      resolve: (head) => {
        const target = this.#targets.ofRequest(head);
        return target === undefined ? NO_AUTHORITY : this.destinations.find(target, true);
      },
      whenResolved: (head, tell) => {
        const target = this.#targets.ofRequest(head);
        if (target !== undefined) this.destinations.whenFound(target, tell);
      },
    };
    return { side: exchanges(this.#parts, 'outbound', this.upstream, resolution), way: undefined };
  }
}

/** Begins connections that all take one course. */
const beginOn =
  ({ way }: Course): Begin =>
  (side, link, decided) =>
    detect(side, way, link, decided);

/** Downstream connections of one side, which go on over `pool`; `begin` makes the sessions of each. */
export function downstreams(
  parts: StackParts,
  direction: Direction,
  { pool }: UpstreamLinks,
  course: Course['side'],
  serves: Pick<DownstreamsParts, 'begin' | 'listenersClosed'>,
): Downstreams {
  const { wheel, downstreamLinks: links, quotas, refusedLink, emptied } = parts;
  const limitHit = parts.limitHit.bind(undefined, direction);
  const side = { wheel, local: direction === 'outbound', limitHit, ...course };
  const upstreamStreams = (): number => pool.http2Streams;
  const served = { ...serves, side, upstreamStreams };
  return new Downstreams({ ...served, wheel, links, quotas, refusedLink, emptied });
}
