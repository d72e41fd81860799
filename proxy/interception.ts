/**
 * Connections that the kernel redirected to this proxy: each goes on to where it was going.
 *
 *   outbound   original destination ─> of the mesh: the service, or the pod ─┐
 *                │                 └─> of nobody's: that address as it is ───┴─> detect, as ever
 *   inbound      └ of this pod ─> the application, at that address and port ───> detect, as ever
 *
 *   nothing redirected it, it was going to a listener of this proxy, or it is
 *   one that this proxy dialled itself ─> 508, or a reset
 *   inbound, and not an address of this pod ─> 404, or a reset
 *
 * One listener has connections of many destinations: what is declared of a port, who speaks first
 * there and which exchanges go there are of a passage each (accept/passages.ts).
 */
import { type SocketAddress, formatSocketAddress } from '../base/settings.ts';
import type { Begin, Downstreams } from './accept/downstreams.ts';
import { type Passage, Passages } from './accept/passages.ts';
import { ServedPorts } from './accept/served-ports.ts';
import { detect } from './detect/detector.ts';
import { Way } from './detect/way.ts';
import type { UpstreamAddress } from './model/endpoint.ts';
import type { Direction } from './model/exchange.ts';
import { MeshError } from './model/mesh-error.ts';
import { type OutboundStack, applicationAt, downstreams, toApplication } from './stack.ts';
import type { StackParts } from './stack-parts.ts';
import {
  type Course,
  type UpstreamLinks,
  courseOf,
  inboundClosed,
  upstreams,
} from './upstreams.ts';

/** Detections of connections that lead nowhere are counted under no port. */
const NO_PORT = 0;

/** Connections from the application, whatever they were going to. */
export function interceptedOutbound(parts: StackParts, outbound: OutboundStack): Downstreams {
  const { passages, side } = intercepted(parts, 'outbound', outbound.upstream, (to) => {
    const { port } = to;
    const target = { originalDst: formatSocketAddress(to), authority: undefined, port };
    const forget = (): void => outbound.destinations.forget(target);
    return { ...passageOn(outbound.courseTo(target)), forget };
  });
  outbound.podEnding.push((key, ending) => passages.ending(key, ending));
  return side;
}

/**
 * Connections to the application, at the addresses of the pod: who listens on 127.0.0.1 alone is as far
 * from others as without a proxy. `protocol`: what the application is spoken to in; undefined: as each
 * request came.
 */
export function interceptedInbound(
  parts: StackParts,
  protocol: UpstreamAddress['protocol'],
): Downstreams {
  const links = upstreams(parts, 'inbound');
  const served = new ServedPorts({
    connect: (endpoint, waiter) => links.rawLinks.connect(endpoint, waiter),
    gone: () => side.upstreamRefuses(),
  });
  const passageTo = (to: SocketAddress): Passage | MeshError => {
    if (parts.isPodAddress?.(to.host) !== true) return notOurs(to);
    const destination = applicationAt(links, { ...to, protocol });
    const [endpoint] = destination.endpoints;
    const course = toApplication(parts, links, destination, (error) => {
      // A port that nobody ever listened on says nothing of the application.
      const refused = error.code === 'upstream-refused' && endpoint?.reached === true;
      if (refused && side.draining) served.refused(endpoint);
    });
    if (endpoint !== undefined) served.add(endpoint);
    return {
      ...passageOn(course),
      forget: () => {
        if (endpoint !== undefined) served.delete(endpoint);
        links.dispose(destination);
      },
      // Who tries all ports, to see which are served, should leave nothing behind.
      worthKeeping: () => destination.endpoints.some(({ reached }) => reached),
    };
  };
  const { side } = intercepted(parts, 'inbound', links, passageTo, inboundClosed(parts, links));
  return side;
}

function intercepted(
  parts: StackParts,
  direction: Direction,
  links: UpstreamLinks,
  passageTo: (to: SocketAddress) => Passage | MeshError,
  listenersClosed?: () => void,
): { readonly passages: Passages; readonly side: Downstreams } {
  const refusing = refusals((error) => nowhere(parts, direction, links, error));
  const passages = new Passages({
    wheel: parts.wheel,
    make: (to) => {
      if (to === undefined) return NOT_REDIRECTED;
      return parts.isOwnListener(direction, to.host, to.port) ? loops(to) : passageTo(to);
    },
    refuses: (peer, to) => (parts.isOwnDial?.(peer, to) === true ? OWN_DIAL : undefined),
    refusing,
  });
  const { side } = refusing(NOT_REDIRECTED);
  const { begin } = passages;
  return {
    passages,
    side: downstreams(parts, direction, links, side, { begin, listenersClosed }),
  };
}

const passageOn = ({ side, way }: Course): Passage => ({
  side,
  begin: (of, link, decided) => detect(of, way, link, decided),
});

/** Ways to refuse connections: what is refused for the same error goes the same course. */
function refusals(courseTo: (error: MeshError) => Course): (error: MeshError) => Passage {
  const known = new WeakMap<MeshError, Course>();
  return (error) => {
    const course = known.get(error) ?? courseTo(error);
    known.set(error, course);
    const { side, way } = course;
    // They are of many destinations: who has spoken first says nothing of the next.
    const begin: Begin = (of, link, decided) =>
      detect(of, way && new Way(way.parts), link, decided);
    return { side, begin };
  };
}

/** The course of connections that are refused: HTTP with an answer, others with a reset. */
function nowhere(
  parts: StackParts,
  direction: Direction,
  links: UpstreamLinks,
  error: MeshError,
): Course {
  return courseOf(parts, direction, links, NO_PORT, {
    resolve: () => error,
    whenResolved: (tell) => tell(error),
  });
}

const NOT_REDIRECTED = new MeshError(
  'proxy-loop',
  'proxy',
  'This is the proxy itself: nothing redirected the connection here, or where it was going is not known any more (conntrack).',
);

const OWN_DIAL = new MeshError(
  'proxy-loop',
  'proxy',
  'A connection of this proxy was redirected to itself: the rules must leave out the user that it runs as.',
);

const loops = (to: SocketAddress): MeshError =>
  new MeshError('proxy-loop', 'proxy', `${formatSocketAddress(to)} is this proxy itself.`);

const notOurs = (to: SocketAddress): MeshError =>
  new MeshError(
    'no-such-service',
    'proxy',
    `${formatSocketAddress(to)} is no address of this pod, so nothing goes on to it from outside.`,
  );
