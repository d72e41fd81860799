import { parseSocketAddress } from '../../base/settings.ts';
import { Failure } from '../failure.ts';
import { SidecarAdmin } from '../sidecar-admin.ts';

/** /metrics of the sidecar with this admin address; undefined when it is not to be had from here. */
export async function sidecarMetrics(adminAddress: string): Promise<string | undefined> {
  const address = parseSocketAddress(adminAddress);
  if (address === undefined) return undefined;
  try {
    return await new SidecarAdmin(address).metrics();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
