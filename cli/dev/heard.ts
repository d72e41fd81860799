/** Whether a change of the mesh has come through: to the controller, and to every sidecar. */
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { formatSocketAddress } from '../../base/settings.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { JsonView } from '../diagnostics/json-view.ts';
import type { PodPlan } from './pod-plan.ts';

const POLL_MS = 20;
const ANSWER_DEADLINE_MS = 500;

/**
 * Resolves to true when the controller knows that the pod is ending and every sidecar has answered
 * to all it was told: those that are connected, and those of the pods `sidecars` ("NAMESPACE/NAME"),
 * which a controller that has just started may not have heard of again. To false after `deadlineMs`.
 */
export async function untilEndingIsKnown(
  { name, namespace }: Pick<PodPlan, 'namespace' | 'name'>,
  sidecars: readonly string[],
  controllerAdmin: SocketAddress,
  deadlineMs: number,
): Promise<boolean> {
  const untilMs = performance.now() + deadlineMs;
  let known = false;
  while (performance.now() < untilMs) {
    const config = await configOf(controllerAdmin);
    const isEnding = config
      .at('endingPods')
      .items.some(({ text }) => text === `${namespace}/${name}`);
    // A look later: what the controller has read it sends at once, but not before it is read.
    if (known && isEnding && isAcknowledged(config, sidecars)) return true;
    known = isEnding;
    await delay(POLL_MS);
  }
  return false;
}

function isAcknowledged(config: JsonView, sidecars: readonly string[]): boolean {
  const proxies = config.at('proxies').items;
  const connected = new Set(
    proxies.map((one) => `${one.at('namespace').text}/${one.at('pod').text}`),
  );
  return (
    sidecars.every((one) => connected.has(one)) &&
    proxies.every((proxy) => proxy.at('resources').items.every((one) => isAnswered(one)))
  );
}

function isAnswered(resource: JsonView): boolean {
  // What waits behind an update that a slow sidecar has not taken is not sent yet.
  if (resource.at('pending').isTrue) return false;
  const sent = resource.at('sent').number;
  return sent === resource.at('acked').number || sent === resource.at('nacked').number;
}

/** What the controller's /config.json says; nothing while it does not answer. */
async function configOf(admin: SocketAddress): Promise<JsonView> {
  // By node:http: fetch refuses some ports.
  const asked = request(`http://${formatSocketAddress(admin)}/config.json`, {
    agent: false,
    signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
  });
  // The reader of the answer hears of what breaks; nobody else needs to.
  asked.on('error', () => {});
  try {
    const answered = once(asked, 'response');
    asked.end();
    const [response] = (await answered) as [IncomingMessage];
    return new JsonView(await json(response));
  } catch {
    return new JsonView(undefined);
  }
}
