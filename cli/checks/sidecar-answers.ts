/** What checks ask of sidecars' admin ports; undefined where it is not to be had from here. */
import { parseSocketAddress } from '../../base/settings.ts';
import { JsonView } from '../diagnostics/json-view.ts';
import { Failure } from '../failure.ts';
import { SidecarAdmin } from '../sidecar-admin.ts';
import type { PastConnections } from './check.ts';

/** /metrics of the sidecar with this admin address. */
export const sidecarMetrics = (adminAddress: string): Promise<string | undefined> =>
  ask(adminAddress, (admin) => admin.metrics());

/** What is open past that sidecar; undefined also where it cannot tell. */
export const sidecarPast = (
  adminAddress: string,
): Promise<readonly PastConnections[] | undefined> =>
  ask(adminAddress, async (admin) => readPast(await admin.interception()));

/** Reads /interception.json. Nothing is open past a sidecar that nothing is redirected to. */
export function readPast(said: unknown): readonly PastConnections[] | undefined {
  const view = new JsonView(said);
  if (!view.at('intercepting').isTrue) return [];
  if (!view.at('past').isArray) return undefined;
  return view.at('past').items.flatMap((one): PastConnections[] => {
    const direction = one.at('direction').text;
    const port = one.at('port').number;
    const connections = one.at('connections').number;
    const known = direction === 'inbound' || direction === 'outbound';
    if (!known || port === undefined || connections === undefined) return [];
    return [{ direction, port, connections }];
  });
}

async function ask<Answer>(
  adminAddress: string,
  question: (admin: SidecarAdmin) => Promise<Answer>,
): Promise<Answer | undefined> {
  const address = parseSocketAddress(adminAddress);
  if (address === undefined) return undefined;
  try {
    return await question(new SidecarAdmin(address));
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
