/** The environment of the programs that `dev` starts. */
import path from 'node:path';
import type { PodField } from './manifest.ts';
import type { PodPlan } from './pod-plan.ts';

/** Variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** What programs inherit from the user's shell; the rest stays out, as it would in a container. */
const INHERITED = [
  'HOME',
  'LANG',
  'LC_ALL',
  'LOGNAME',
  'NODE_COMPILE_CACHE',
  'NODE_COMPILE_CACHE_PORTABLE',
  'NODE_DISABLE_COMPILE_CACHE',
  'SHELL',
  'TMPDIR',
  'TZ',
  'USER',
] as const;

/** The part that every program gets. `node` in a command is the pinned runtime of `root`. */
export function baseEnvironment(
  root: string,
  ours: Readonly<Record<string, string | undefined>>,
): Environment {
  const environment: Record<string, string> = {
    PATH: [path.join(root, 'node_modules', '.bin'), ours['PATH'] ?? '/usr/bin:/bin'].join(
      path.delimiter,
    ),
  };
  for (const name of INHERITED) {
    const value = ours[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/**
 * What an application gets beside the base: where to listen (`HOST`, `PORT` for the first port,
 * `PORT_<NAME>` for each named one), who it is (`POD_NAME`, `POD_NAMESPACE`, `POD_IP`), where
 * services are (`<NAME>_SERVICE_HOST`, `<NAME>_SERVICE_PORT`, `<NAME>_SERVICE_PORT_<PORT NAME>`, as
 * in Kubernetes), and last what the manifest says.
 */
export function applicationEnvironment(pod: PodPlan): Environment {
  const environment: Record<string, string> = {
    HOST: pod.ports[0]?.application.host ?? pod.address,
    POD_NAME: pod.name,
    POD_NAMESPACE: pod.namespace,
    POD_IP: pod.address,
  };
  for (const [i, { name, application }] of pod.ports.entries()) {
    if (i === 0) environment['PORT'] = String(application.port);
    if (name !== undefined) environment[`PORT_${shout(name)}`] = String(application.port);
  }
  for (const { service, port, at } of pod.waysOut) {
    const prefix = `${shout(service.name)}_SERVICE`;
    environment[`${prefix}_HOST`] ??= at.host;
    environment[`${prefix}_PORT`] ??= String(at.port);
    if (port.name !== undefined)
      environment[`${prefix}_PORT_${shout(port.name)}`] = String(at.port);
  }
  const fields: Readonly<Record<PodField, string>> = {
    'metadata.name': pod.name,
    'metadata.namespace': pod.namespace,
    'status.podIP': pod.address,
  };
  for (const { name, value, fieldPath } of pod.deployment.container.env) {
    environment[name] =
      fieldPath === undefined ? expandVariables(value, environment) : fields[fieldPath];
  }
  return environment;
}

const shout = (name: string): string => name.replaceAll('-', '_').toUpperCase();

/** `$(NAME)` becomes the variable's value and `$$` a dollar; unknown names stay, as in Kubernetes. */
export const expandVariables = (text: string, environment: Environment): string =>
  text.replaceAll(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (environment[name] ?? whole),
  );
