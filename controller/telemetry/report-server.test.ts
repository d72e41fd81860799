import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Server, ServerCredentials, credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';

import { Direction } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import {
  TelemetryClient,
  TelemetryService as TelemetryApi,
} from '../../api/gen/culvert/proxy/v1/telemetry_service.ts';
import type { TelemetryAck } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { eventually } from '../../test/support/deadline.ts';
import { TelemetryService } from './report-server.ts';
import { TelemetryStore } from './store.ts';

test('TelemetryService takes reports over gRPC, acknowledges them, and refuses strangers', async (t) => {
  const store = new TelemetryStore({
    now: () => 5_000,
    startedAtUs: 1,
    bytesMax: 1_000_000,
    ownerOf: (namespace, pod) => ({ namespace, pod, workloadKind: 'deployment', workload: 'web' }),
  });
  const service = new TelemetryService(store);
  const server = new Server();
  server.addService(TelemetryApi, service.handlers());
  t.after(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new TelemetryClient(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => client.close());
  const reporter = { namespace: 'demo', pod: 'web-1', instance: 'i' };
  const empty = { reporter: undefined, epoch: 2, definitions: [], counts: [], removed: [] };

  const stream = client.report();
  const acks: number[] = [];
  stream.on('data', (ack: TelemetryAck) => acks.push(ack.sequence));
  stream.on('error', () => {});
  stream.write({
    ...empty,
    reporter,
    sequence: 1,
    definitions: [
      {
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
      },
    ],
  });
  stream.write({ ...empty, sequence: 2 });
  await eventually('the last acknowledgement', () => acks.at(-1) === 2);
  assert.equal(store.reporters.get('demo/web-1')?.owner.workload, 'web');
  assert.equal(store.reportAgeMs('demo', 'web-1'), 0);
  assert.equal(service.streams, 1);

  const stranger = client.report();
  const refusal = new Promise<ServiceError>((resolve) => {
    stranger.on('error', (error) => resolve(error as ServiceError));
  });
  stranger.resume();
  stranger.write({ ...empty, sequence: 1 });
  const { code, details } = await refusal;
  assert.deepEqual(
    [code, details],
    [status.INVALID_ARGUMENT, 'the first report names no reporter'],
  );
  assert.equal(service.streams, 1);

  stream.end();
  await eventually('the end', () => service.streams === 0);
  assert.equal(store.reporters.get('demo/web-1')?.stream, undefined);
});
