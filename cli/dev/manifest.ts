/** The part of a Kubernetes manifest that `meshctl dev` runs: Deployments and their Services. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Failure, messageOf } from '../failure.ts';
import { portListProblems } from './port-list-annotations.ts';
import { readYamlDocuments } from './yaml-document.ts';
import type { YamlDocument, YamlPath } from './yaml-document.ts';

/** A port and what it is called. */
export interface NamedPort {
  readonly name: string | undefined;
  /** 1 to 65535. */
  readonly port: number;
}

/** Environment of a container: a value, or a field of its pod. */
export interface EnvironmentEntry {
  readonly name: string;
  readonly value: string;
  readonly fieldPath: PodField | undefined;
}

/** Fields of a pod that a variable can stand for. */
export const POD_FIELDS = ['metadata.name', 'metadata.namespace', 'status.podIP'] as const;
/** One of `POD_FIELDS`. */
export type PodField = (typeof POD_FIELDS)[number];

/** The one container of a Deployment's pods. */
export interface ContainerSpec {
  readonly name: string;
  /** `command` and `args`; `$(NAME)` in them stands for a variable of the environment. */
  readonly argv: readonly string[];
  /** Absolute: `workingDir`, relative to the manifest's own directory. */
  readonly directory: string;
  readonly env: readonly EnvironmentEntry[];
  readonly ports: readonly NamedPort[];
  /** `securityContext.runAsUser` of the container or its pod: with `--network netns` only. */
  readonly runAsUser: number | undefined;
}

/** A Deployment as far as `dev` runs it. */
export interface DeploymentSpec {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Its pods get a sidecar: unless `culvert.dev/inject: disabled`, or nothing is to be carried. */
  readonly meshed: boolean;
  readonly container: ContainerSpec;
  /** Commands worth trying, one a line, from the annotation `culvert.dev/dev-try`. */
  readonly tryCommand: string | undefined;
}

/** A port of a Service and the container port behind it. */
export interface ServicePort extends NamedPort {
  /** A container port, by number or by name. */
  readonly targetPort: number | string;
}

/** A Service as far as `dev` gives it ways out and endpoints. */
export interface ServiceSpec {
  readonly namespace: string;
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
  /** Its own address, or "None": with `--network netns` only. */
  readonly clusterIp: string | undefined;
}

/** What the files of a run say together. */
export interface Manifest {
  readonly deployments: readonly DeploymentSpec[];
  readonly services: readonly ServiceSpec[];
  /** What stands in the files and is not run, one sentence each. */
  readonly warnings: readonly string[];
}

const INJECT = 'culvert.dev/inject';
const TRY_COMMAND = 'culvert.dev/dev-try';
const PORT_MAX = 65_535;
const REPLICAS_MAX = 100;
const UID_MAX = 2 ** 31 - 1;
/** Kinds that run processes in a cluster and that are left alone here. */
const KINDS_NOT_RUN = new Set(['StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob', 'Pod']);

/** Reads and joins manifests; a `Failure` lists every problem as `file:line: path: reason`. */
export function readManifests(files: readonly string[]): Manifest {
  const problems: string[] = [];
  const deployments: DeploymentSpec[] = [];
  const services: ServiceSpec[] = [];
  const warnings: string[] = [];
  for (const file of files) {
    for (const document of readYamlDocuments(file, readFile(file), problems)) {
      const kind = document.text(['kind'], '');
      if (kind === 'Deployment') deployments.push(readDeployment(document));
      else if (kind === 'Service') services.push(...readService(document));
      else if (KINDS_NOT_RUN.has(kind)) {
        warnings.push(`${kind} ${nameOf(document)} is not run: dev runs Deployments only`);
      }
    }
  }
  problems.push(...findTwins('Deployment', deployments), ...findTwins('Service', services));
  if (problems.length === 0 && deployments.length === 0) {
    problems.push(`${files.join(', ')}: no Deployment to run`);
  }
  if (problems.length > 0) throw new Failure(`the manifest cannot run:\n${problems.join('\n')}`);
  const idle = deployments.filter((deployment) => hasIdleSidecar(deployment, services));
  for (const { namespace, name } of idle) {
    warnings.push(`Deployment ${name} gets no sidecar: no ports, no Service in "${namespace}"`);
  }
  return {
    deployments: deployments.map((deployment) =>
      idle.includes(deployment) ? { ...deployment, meshed: false } : deployment,
    ),
    services,
    warnings,
  };
}

/** Its sidecar would have no listener: nobody calls its pods, and they have nobody to call. */
function hasIdleSidecar(deployment: DeploymentSpec, services: readonly ServiceSpec[]): boolean {
  const { meshed, container, namespace } = deployment;
  const callable = services.some(
    (service) => service.namespace === namespace && service.ports.length > 0,
  );
  return meshed && container.ports.length === 0 && !callable;
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`cannot read the manifest: ${messageOf(error)}; give another with -f FILE`);
  }
}

const namespaceOf = (document: YamlDocument): string =>
  readName(document, ['metadata', 'namespace'], 'default');

const nameOf = (document: YamlDocument): string => readName(document, ['metadata', 'name'], '');

/** A DNS label: names are parts of host names, and of files. */
function readName(document: YamlDocument, at: YamlPath, fallback: string): string {
  const name = document.text(at, fallback);
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    document.problem(at, `"${name}" is no name: 1 to 63 of a-z, 0-9 and "-"`);
  }
  return name;
}

function readDeployment(document: YamlDocument): DeploymentSpec {
  const template = ['spec', 'template'];
  const annotated = [...template, 'metadata', 'annotations'];
  const annotations = document.textMap(annotated);
  const containers = document.items([...template, 'spec', 'containers']);
  if (containers.length !== 1) {
    document.problem(
      [...template, 'spec', 'containers'],
      `${containers.length} containers: dev runs exactly one a pod, and its sidecar`,
    );
  }
  const container = readContainer(
    document,
    containers[0] ?? [...template, 'spec', 'containers', 0],
  );
  const portNames = new Set(container.ports.map(({ name }) => name));
  for (const [name, reason] of portListProblems(annotations, portNames)) {
    document.problem([...annotated, name], reason);
  }
  return {
    namespace: namespaceOf(document),
    name: nameOf(document),
    replicas: document.integer(['spec', 'replicas'], 1, 0, REPLICAS_MAX),
    labels: document.textMap([...template, 'metadata', 'labels']),
    annotations,
    meshed: annotations[INJECT] !== 'disabled',
    container,
    tryCommand: document.textMap(['metadata', 'annotations'])[TRY_COMMAND],
  };
}

function readContainer(document: YamlDocument, at: YamlPath): ContainerSpec {
  const command = document.texts([...at, 'command']);
  if (command.length === 0) {
    document.problem([...at, 'command'], 'is missing: dev runs commands, not images');
  }
  return {
    name: document.text([...at, 'name'], 'main'),
    argv: [...command, ...document.texts([...at, 'args'])],
    directory: path.resolve(path.dirname(document.file), document.text([...at, 'workingDir'], '.')),
    env: document.items([...at, 'env']).map((item) => readEnvironmentEntry(document, item)),
    ports: document.items([...at, 'ports']).flatMap((item) => readContainerPort(document, item)),
    runAsUser: readUser(document, at) ?? readUser(document, at.slice(0, -2)),
  };
}

const readUser = (document: YamlDocument, at: YamlPath): number | undefined =>
  document.integer([...at, 'securityContext', 'runAsUser'], undefined, 0, UID_MAX);

function readEnvironmentEntry(document: YamlDocument, at: YamlPath): EnvironmentEntry {
  const name = document.text([...at, 'name'], '');
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    document.problem([...at, 'name'], `"${name}" is no name of a variable`);
  }
  const value = document.text([...at, 'value'], '');
  if (document.at([...at, 'valueFrom']) === undefined) return { name, value, fieldPath: undefined };
  const field = document.text([...at, 'valueFrom', 'fieldRef', 'fieldPath'], '');
  const fieldPath = POD_FIELDS.find((known) => known === field);
  if (fieldPath === undefined) {
    document.problem([...at, 'valueFrom'], `is not a fieldRef to ${POD_FIELDS.join(', ')}`);
  }
  return { name, value, fieldPath };
}

function readContainerPort(document: YamlDocument, at: YamlPath): readonly NamedPort[] {
  if (document.text([...at, 'protocol'], 'TCP') !== 'TCP') return [];
  return [
    {
      name: document.text([...at, 'name'], undefined),
      port: readPort(document, [...at, 'containerPort']),
    },
  ];
}

/** A required port number; 1 stands in for it once the problem is noted. */
function readPort(document: YamlDocument, at: YamlPath): number {
  if (document.at(at) === undefined) document.problem(at, 'is missing');
  return document.integer(at, 1, 1, PORT_MAX);
}

function readService(document: YamlDocument): readonly ServiceSpec[] {
  // An ExternalName is a name in somebody's DNS: nothing on this machine stands behind it.
  if (document.text(['spec', 'type'], 'ClusterIP') === 'ExternalName') return [];
  return [
    {
      namespace: namespaceOf(document),
      name: nameOf(document),
      selector: document.textMap(['spec', 'selector']),
      ports: document.items(['spec', 'ports']).flatMap((item) => readServicePort(document, item)),
      clusterIp: document.text(['spec', 'clusterIP'], undefined),
    },
  ];
}

function readServicePort(document: YamlDocument, at: YamlPath): readonly ServicePort[] {
  if (document.text([...at, 'protocol'], 'TCP') !== 'TCP') return [];
  const port = readPort(document, [...at, 'port']);
  const targetPort =
    typeof document.at([...at, 'targetPort']) === 'string'
      ? document.text([...at, 'targetPort'], '')
      : document.integer([...at, 'targetPort'], port, 1, PORT_MAX);
  return [{ name: document.text([...at, 'name'], undefined), port, targetPort }];
}

function findTwins(
  kind: string,
  resources: readonly { readonly namespace: string; readonly name: string }[],
): readonly string[] {
  const keys = resources.map(({ namespace, name }) => `${namespace}/${name}`);
  const twins = new Set(keys.filter((key, i) => keys.indexOf(key) !== i));
  return [...twins].map((key) => `${kind} ${key} is given twice`);
}
