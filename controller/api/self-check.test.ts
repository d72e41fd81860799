import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Direction } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { Log } from '../../base/log.ts';
import type { ControllerView } from '../controller-view.ts';
import { DiscoveryService } from '../discovery/control-server.ts';
import { readFileContent } from '../sources/documents.ts';
import { MeshState } from '../state.ts';
import { TelemetryService } from '../telemetry/report-server.ts';
import { TelemetryStore } from '../telemetry/store.ts';
import { selfCheck } from './self-check.ts';

const EPOCH_US = 1_700_000_000_000_000;

/** A controller whose cap has no room for a single series. */
function harness() {
  const clock = { nowMs: EPOCH_US / 1_000 };
  const now = (): number => clock.nowMs;
  const state = new MeshState();
  const telemetry = new TelemetryStore({
    now,
    startedAtUs: EPOCH_US,
    bytesMax: 100,
    ownerOf: () => undefined,
  });
  const log = new Log('controller', 'error');
  const settings = {
    epochUs: EPOCH_US,
    controllerVersion: '1.2.3',
    heartbeatMs: 5_000,
    drainMs: 30_000,
    subscriptionsMax: 3,
    streamAgeMsMax: 1_800_000,
  };
  const view: ControllerView = {
    version: '1.2.3',
    startedAtUs: EPOCH_US,
    mesh: () => state.current,
    snapshot: () => undefined,
    discovery: new DiscoveryService(state, settings, { now, random: () => 0.5, log }),
    telemetry,
    reports: new TelemetryService(telemetry),
  };
  const problem = (id: string): string | undefined =>
    selfCheck(view).find((result) => result.id === id)?.problem;
  return { clock, telemetry, state, problem };
}

function reportOneSeries(telemetry: TelemetryStore): void {
  const definition = {
    id: 1,
    direction: Direction.DIRECTION_INBOUND,
    authority: '',
    dstNamespace: '',
    dstService: '',
    dstPort: 0,
    dstWorkloadKind: '',
    dstWorkload: '',
    dstPod: '',
    route: '',
    tls: 'disabled',
  };
  const counts = {
    id: 1,
    requests: 1,
    outcomes: [{ statusCode: 200, success: true, count: 1 }],
    cancelled: 0,
    latencyUs: undefined,
    firstByteUs: undefined,
    tcpOpened: 0,
    tcpClosed: 0,
    readBytes: 0,
    writeBytes: 0,
  };
  telemetry.openStream({ namespace: 'demo', pod: 'web-1', instance: 'i' }, EPOCH_US).apply({
    reporter: undefined,
    epoch: EPOCH_US,
    sequence: 1,
    definitions: [definition],
    counts: [counts],
    removed: [],
  });
}

test('selfCheck warns of telemetry dropped in the last ten minutes, not of what is long past', () => {
  const { clock, telemetry, problem } = harness();
  assert.equal(problem('telemetry.memory'), '');
  reportOneSeries(telemetry);
  clock.nowMs += 600_000;
  assert.equal(
    problem('telemetry.memory'),
    '1 series dropped at 100 bytes, the last one 600 s ago',
  );
  clock.nowMs += 1;
  assert.equal(problem('telemetry.memory'), '');
});

const service = (name: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {clusterIP: 10.96.0.1}}`;

test('selfCheck tells of an address that two Services have', () => {
  const { state, problem } = harness();
  assert.equal(problem('services.addresses'), '');
  const { resources } = readFileContent(
    'm.yaml',
    `${service('a')}\n---\n${service('b')}`,
    new Map(),
  );
  state.replace([...resources.values()]);
  assert.equal(
    problem('services.addresses'),
    '10.96.0.1 is the address of Service default/a and of Service default/b: the first has it',
  );
});
