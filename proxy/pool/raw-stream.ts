/** The upstream of a CONNECT that is ours to serve: a raw link, dialled for it alone. */
import { formatSocketAddress } from '../../base/settings.ts';
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { RawClient } from '../session/raw-client.ts';
import type { LinkDial } from '../transport/link.ts';
import type { RawLinks } from './raw-links.ts';
import type { DialEvents } from './waiting-queue.ts';

/** Tells the waiter of a stream, or why there is none; undefined when it has heard already. */
export function dialRawStream(
  links: RawLinks,
  wheel: TimerWheel,
  endpoint: Endpoint,
  waiter: DialEvents,
): LinkDial | undefined {
  return links.connect(endpoint, {
    connected: (opened) => {
      const host = formatSocketAddress(endpoint);
      waiter.dialled(new RawClient(wheel, opened.link, host, () => opened.over()));
    },
    failed: (error) => waiter.dialFailed(error),
  });
}
