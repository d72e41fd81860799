import { parseSocketAddress } from '../../base/settings.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { proxyJson } from '../diagnostics/proxy-json.ts';
import { readProxyState } from '../diagnostics/proxy-state.ts';
import { proxyText } from '../diagnostics/proxy-text.ts';
import { Failure, usageFailure } from '../failure.ts';
import type { MeshApi } from '../mesh-api.ts';
import { formatJson } from '../output.ts';
import type { Output } from '../output.ts';
import { SidecarAdmin } from '../sidecar-admin.ts';

/** What the user asked of `diagnostics proxy`. */
export interface DiagnosticsProxyOptions {
  readonly output: 'table' | 'json';
  /** Of the pod. */
  readonly namespace: string;
  /** Undefined: the controller is asked where the pod's is. */
  readonly admin: SocketAddress | undefined;
}

/** Runs `use` with a connection to the API. */
export type WithMeshApi = <T>(use: (api: MeshApi) => Promise<T>) => Promise<T>;

/** `meshctl diagnostics proxy [POD]`. Rejects with a `Failure` when the sidecar is not to be found. */
export async function runDiagnosticsProxy(
  pod: string | undefined,
  options: DiagnosticsProxyOptions,
  output: Output,
  withApi: WithMeshApi,
): Promise<void> {
  const { namespace, admin: given } = options;
  if (pod === undefined && given === undefined) {
    throw usageFailure('say which sidecar: POD, or --admin ADDRESS:PORT');
  }
  const address = given ?? (await withApi((api) => adminOf(api, namespace, pod ?? '')));
  const admin = new SidecarAdmin(address);
  const state = readProxyState(await admin.config());
  const name = pod === undefined ? admin.address : `${namespace}/${pod}`;
  if (options.output === 'json') output.out(formatJson(proxyJson(name, admin.address, state)));
  else output.out(proxyText(name, state));
}

async function adminOf(
  api: Pick<MeshApi, 'listPods'>,
  namespace: string,
  name: string,
): Promise<SocketAddress> {
  const { pods } = await api.listPods(namespace);
  const pod = pods.find((one) => one.name === name);
  if (pod === undefined) {
    throw new Failure(
      `no pod "${name}" in namespace "${namespace}"; "meshctl stat po -A" lists them, -n names another namespace`,
    );
  }
  const address = parseSocketAddress(pod.adminAddress);
  if (address !== undefined) return address;
  throw new Failure(
    pod.meshed
      ? `pod "${name}" does not say where its sidecar's admin port is; say it with --admin ADDRESS:PORT`
      : `pod "${name}" has no sidecar`,
  );
}
