/** Settings of the controller. */
import { LOG_LEVELS } from '../base/log.ts';
import { parsePortList } from '../base/port-list.ts';
import type { PortRange } from '../base/port-list.ts';
import { address, choice, integer, repeated, text } from '../base/settings.ts';
import type { Setting, SettingsOf } from '../base/settings.ts';

/** The command line, for help. */
export const USAGE = 'controller --resources FILE-OR-DIR [--resources …] [settings]';

/** Every setting of the controller. */
export const CONTROLLER_SETTINGS = {
  resources: repeated(
    text({
      fallback: undefined,
      pattern: /\S/,
      allowed: 'a file or a directory',
      reason: 'Kubernetes YAML or JSON; of a resource given twice the first counts.',
    }),
  ),
  api: address({
    fallback: { host: '127.0.0.1', port: 8085 },
    reason: 'The public API (gRPC), for meshctl and other tools.',
  }),
  proxyApi: address({
    fallback: { host: '127.0.0.1', port: 8086 },
    reason: 'Discovery and telemetry (gRPC), for sidecars.',
  }),
  admin: address({
    fallback: { host: '127.0.0.1', port: 9995 },
    reason: '/live, /ready, /metrics and /config.json.',
  }),
  defaultOpaquePorts: {
    ...text({
      fallback: '25,587,3306,4444,5432,6379,9300,11211',
      allowed: 'ports and ranges with commas between, as 25,4444-4450',
      reason:
        'Opaque where nobody says otherwise: SMTP, MySQL, Galera, PostgreSQL, Redis, Elasticsearch, Memcached (docs/protocols.md).',
    }),
    parse: (value) => (portRanges(value) === undefined ? undefined : value),
  } satisfies Setting<string>,
  heartbeatMs: integer({
    unit: 'ms',
    fallback: 5_000,
    min: 100,
    max: 60_000,
    reason: 'Between heartbeats of a control stream; three missed ones end it.',
  }),
  streamAgeMsMax: integer({
    unit: 'ms',
    fallback: 1_800_000,
    min: 1_000,
    max: 86_400_000,
    reason: 'Control streams end at this age, give or take a fifth, and proxies connect again.',
  }),
  drainMs: integer({
    unit: 'ms',
    fallback: 30_000,
    min: 100,
    max: 600_000,
    reason: 'A proxy that reads nothing for so long loses its stream.',
  }),
  subscriptionsMax: integer({
    fallback: 10_000,
    min: 1,
    max: 1_000_000,
    reason: 'Destinations one proxy may ask for.',
  }),
  telemetryBytesMax: integer({
    unit: 'bytes',
    fallback: 64 * 1_024 * 1_024,
    min: 1_024 * 1_024,
    max: 16 * 1_024 * 1_024 * 1_024,
    reason: 'Memory for telemetry; at the cap the series idle for longest are dropped.',
  }),
  logLevel: choice({ fallback: 'info', of: LOG_LEVELS, reason: 'The least that is logged.' }),
};

/** The values of all settings. */
export type ControllerSettings = SettingsOf<typeof CONTROLLER_SETTINGS>;

/** One line for each problem that no single setting shows. */
export function checkSettings(values: ControllerSettings): string[] {
  return values.resources.length === 0
    ? ['--resources: is missing; name a file or a directory with Kubernetes YAML']
    : [];
}

/** The ranges of a list without names; undefined when the text is none. */
export function portRanges(value: string): readonly PortRange[] | undefined {
  const list = parsePortList(value);
  return typeof list === 'string' || list.names.length > 0 ? undefined : list.ranges;
}
