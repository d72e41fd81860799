/** Every setting of the sidecar: flag, CULVERT_* variable, default and reason. */
import { isIP } from 'node:net';
import { LOG_LEVELS } from '../base/log.ts';
import {
  type Setting,
  type SettingsOf,
  address,
  choice,
  flag,
  integer,
  parseSocketAddress,
  repeated,
  text,
} from '../base/settings.ts';
import {
  LIMIT_ROWS,
  type LimitRow,
  type LimitValues,
  TIMEOUT_ROWS,
  limitsProblem,
} from './limits.ts';
import type { UpstreamAddress } from './model/endpoint.ts';
import { PROTOCOLS, type PortProtocol } from './model/exchange.ts';
import type { InboundListener, StaticDestination, WayOut } from './model/thread.ts';

/** First line of the help. */
export const USAGE =
  'npm run sidecar -- [--inbound ADDR --forward ADDR]… [--outbound ADDR] [--intercept-inbound ADDR --intercept-outbound ADDR] [--to …] [flags]';

/** What a scheme says of addresses, and of the connections that are to go there. */
interface Scheme {
  readonly address: Pick<UpstreamAddress, 'meshed' | 'protocol'>;
  readonly declared: PortProtocol | undefined;
}

const UNSAID: Scheme = { address: {}, declared: undefined };
const HTTP1: Scheme = { address: { protocol: 'http1' }, declared: 'http1' };
const HTTP2: Scheme = { address: { protocol: 'http2' }, declared: 'http2' };
const OPAQUE: Scheme = { address: {}, declared: 'opaque' };

/** Schemes of `--forward`. */
const FORWARD_SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['http1', HTTP1],
  ['http', HTTP1],
  ['http2', HTTP2],
  ['h2c', HTTP2],
  ['opaque', OPAQUE],
]);

/** Schemes of `--to`, where sidecars of this mesh may listen. */
const TO_SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ...FORWARD_SCHEMES,
  ['sidecar', { address: { meshed: true }, declared: undefined }],
]);

/** "h2c://REST" as what its scheme says and the rest; undefined when that is no scheme. */
function splitScheme(
  text: string,
  schemes: ReadonlyMap<string, Scheme>,
): { readonly said: Scheme; readonly rest: string } | undefined {
  const [, name, rest = ''] = /^(?:([^:/]*):\/\/)?(.*)$/.exec(text) ?? [];
  const said = name === undefined ? UNSAID : schemes.get(name);
  return said && { said, rest };
}

/** "127.0.0.1:5432", "opaque://127.0.0.1:5432". */
function forwardAddress(value: string): Pick<InboundListener, 'declared' | 'forward'> | undefined {
  const split = splitScheme(value, FORWARD_SCHEMES);
  const address = parseSocketAddress(split?.rest ?? '');
  if (split === undefined || address === undefined || address.port === 0) return undefined;
  const { said } = split;
  return { forward: { ...address, ...said.address }, declared: said.declared };
}

/**
 * "web=127.0.0.1:8080,127.0.0.1:8081", "web=http2://127.0.0.1:8080"; the name may carry a port, then
 * it serves that port only.
 */
function staticDestination(value: string): StaticDestination | undefined {
  const [name, given, ...rest] = value.split('=');
  const match = /^([^:\s/]+)(?::(\d{1,5}))?$/.exec(name ?? '');
  const split = splitScheme(given ?? '', TO_SCHEMES);
  if (match?.[1] === undefined || split === undefined || rest.length > 0) return undefined;
  const { said } = split;
  const endpoints = split.rest.split(',').map(parseSocketAddress);
  const known = endpoints.flatMap((endpoint) =>
    endpoint !== undefined && endpoint.port > 0
      ? [{ ...endpoint, protocol: undefined, ...said.address }]
      : [],
  );
  if (known.length !== endpoints.length) return undefined;
  const port = Number(match[2] ?? 80);
  if (port < 1 || port > 65_535) return undefined;
  const target = { originalDst: undefined, authority: match[1].toLowerCase(), port };
  const { declared } = said;
  return { target, anyPort: match[2] === undefined, endpoints: known, declared };
}

/** "127.64.20.1:8080=web.demo.svc.cluster.local:8080". */
function wayOut(value: string): WayOut | undefined {
  const [listenText, targetText, ...rest] = value.split('=');
  const listen = parseSocketAddress(listenText ?? '');
  const target = parseSocketAddress(targetText ?? '');
  if (listen === undefined || target === undefined || target.port === 0 || rest.length > 0) {
    return undefined;
  }
  return {
    listen,
    target: { originalDst: undefined, authority: target.host.toLowerCase(), port: target.port },
  };
}

const parsed = <T>(
  parse: (value: string) => T | undefined,
  allowed: string,
  reason: string,
): Setting<T | undefined> => ({
  allowed,
  unit: undefined,
  fallback: undefined,
  reason,
  repeatable: false,
  flagOnly: false,
  parse,
});

/** The rows of a table of limits.ts as settings. */
const limitSettings = <Rows extends Record<string, LimitRow>>(
  rows: Rows,
): { readonly [Name in keyof Rows]: Setting<number> } =>
  Object.fromEntries(
    Object.entries(rows).map(([name, { unit, ...rest }]) => [
      name,
      integer(unit === undefined ? rest : { ...rest, unit }),
    ]),
  ) as { readonly [Name in keyof Rows]: Setting<number> };

/** The table; docs/settings.md is made from it. */
export const PROXY_SETTINGS = {
  inbound: repeated(
    address({
      fallback: undefined,
      reason: 'Listens for traffic towards the application; the i-th goes to the i-th --forward.',
    }),
  ),
  forward: repeated(
    parsed(
      forwardAddress,
      '[http1://|http2://|opaque://]ADDRESS:PORT',
      'Where the application itself listens, and what is spoken there (docs/protocols.md).',
    ),
  ),
  forwardProtocol: choice({
    fallback: 'as-received',
    of: ['as-received', 'http1', 'http2'],
    reason:
      'What the application is spoken to in where --forward does not say it, and where connections are redirected: as-received, each request in what it came in.',
  }),
  outbound: repeated(
    address({
      fallback: undefined,
      reason: "Listens for the application's requests; their Host names the destination.",
    }),
  ),
  wayOut: repeated(
    parsed(
      wayOut,
      'ADDRESS:PORT=HOST:PORT',
      'Listens for connections to one destination, whatever they say: raw TCP too.',
    ),
  ),
  interceptOutbound: repeated(
    address({
      fallback: undefined,
      reason:
        'Listens for connections from the application that the kernel redirects, as to [::]:4140 (docs/interception.md).',
    }),
  ),
  interceptInbound: repeated(
    address({
      fallback: undefined,
      reason:
        'Listens for connections to the application that the kernel redirects, as to [::]:4143 (docs/interception.md).',
    }),
  ),
  to: repeated(
    parsed(
      staticDestination,
      'NAME[:PORT]=[http1://|http2://|opaque://|sidecar://]ADDRESS:PORT[,ADDRESS:PORT…]',
      'A destination known without a controller; requests are balanced over its addresses.',
    ),
  ),
  http1Transport: choice({
    fallback: 'http1',
    of: PROTOCOLS,
    reason:
      'What HTTP/1.1 requests ride on to sidecars, where the service does not say it (docs/orig-proto.md).',
  }),
  dns: flag({ reason: 'Looks names up in DNS that are no known service.' }),
  admin: address({
    fallback: { host: '127.0.0.1', port: 4191 },
    reason:
      'Serves /live /ready /metrics /config.json /interception.json; writes only from loopback.',
  }),
  controller: address({
    fallback: undefined,
    reason: 'The controller that tells destinations and hears telemetry; none: stand-alone.',
  }),
  podNamespace: text({
    fallback: 'default',
    reason: "The pod's namespace: short service names are looked up in it.",
  }),
  podName: text({ fallback: '', reason: "The pod's name, as the controller knows it." }),
  dialFrom: parsed(
    (value) => (isIP(value) === 0 ? undefined : value),
    'an IP address',
    'Source address of upstream connections; the pod address, so that peers see the pod.',
  ),
  threads: integer({
    fallback: 1,
    min: 1,
    max: 64,
    reason:
      'Data threads: each can use one core, and each costs memory; one carries what most pods need.',
  }),
  drainDeadlineMs: integer({
    fallback: 25_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    reason: 'From SIGTERM to exit at the latest: the pod grace period of 30 s less 5 s.',
  }),
  drainQuietMs: integer({
    fallback: 5_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    reason: 'Listeners close when no connection has come for so long after SIGTERM.',
  }),
  pageTrim: choice({
    fallback: 'on',
    of: ['on', 'off'],
    reason: 'Gives memory back after the start and when traffic ceases (docs/memory.md).',
  }),
  logLevel: choice({
    fallback: 'info',
    of: LOG_LEVELS,
    reason: 'Least level that is logged; PUT /log-level changes it.',
  }),
  ...limitSettings(LIMIT_ROWS),
  ...limitSettings(TIMEOUT_ROWS),
} as const;

/** The values of one start. */
export type ProxySettings = SettingsOf<typeof PROXY_SETTINGS>;

/** What settings must be together; one line a problem. */
export function checkSettings(settings: ProxySettings): readonly string[] {
  const problems: string[] = [];
  const { controller, forward, inbound, outbound, podName, to, wayOut: waysOut } = settings;
  const intercepting = [...settings.interceptInbound, ...settings.interceptOutbound];
  if (inbound.length !== forward.length) {
    problems.push(
      `--inbound is given ${inbound.length} and --forward ${forward.length} times: each --inbound needs its --forward`,
    );
  }
  if (inbound.length + outbound.length + waysOut.length + intercepting.length === 0) {
    problems.push(
      'nothing to do: give --inbound with --forward, --outbound, --way-out, or --intercept-inbound and --intercept-outbound',
    );
  }
  if (controller !== undefined && podName === '') {
    problems.push('--pod-name is missing: the controller knows this proxy by it');
  }
  if (controller === undefined && to.length === 0 && !settings.dns && outbound.length > 0) {
    problems.push('--outbound leads nowhere: give --controller, --to, or --dns');
  }
  const problem = limitsProblem(settings);
  if (problem !== undefined) problems.push(problem);
  return problems;
}

/** The limits and timeouts among the settings. */
export function limitsOf(settings: ProxySettings): LimitValues {
  const names = Object.keys({ ...LIMIT_ROWS, ...TIMEOUT_ROWS });
  return Object.fromEntries(Object.entries(settings).filter(([name]) => names.includes(name)));
}
