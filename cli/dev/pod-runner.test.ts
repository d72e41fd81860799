import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { baseEnvironment } from './environment.ts';
import { Guardian } from './guardian.ts';
import { loopbackNetwork } from './pod-network.ts';
import { PodRunner } from './pod-runner.ts';
import { newStateDirectoryPath } from './state-directory.ts';

const CONTROLLER = { host: '127.0.0.1', port: 1 };

test('PodRunner of a pod without ports is ready only while its program runs', async () => {
  const guardian = new Guardian(newStateDirectoryPath());
  const troubles = Promise.withResolvers<void>();
  const readyWith: (number | undefined)[] = [];
  let ends = 0;
  const pod = new PodRunner(
    {
      namespace: 'demo',
      name: 'worker-1',
      deployment: {
        namespace: 'demo',
        name: 'worker',
        replicas: 1,
        labels: {},
        annotations: {},
        meshed: false,
        container: {
          name: 'main',
          argv: ['false'],
          directory: tmpdir(),
          env: [],
          ports: [],
          runAsUser: undefined,
        },
        tryCommand: undefined,
      },
      address: '127.0.0.1',
      ports: [],
      admin: undefined,
      waysOut: [],
    },
    {
      root: '/',
      environment: baseEnvironment('/', process.env),
      guardian,
      controller: CONTROLLER,
      network: loopbackNetwork(false),
      verbose: false,
      onLine: () => {},
      // Down for 0.1 s, 0.2 s and 0.4 s by then: long enough for several probes.
      onTrouble: () => ++ends === 4 && troubles.resolve(),
      onReadiness: ({ ready, applicationPid }) => ready && readyWith.push(applicationPid),
    },
  );
  pod.start();
  await troubles.promise;
  pod.stop('SIGKILL');
  await pod.exited();
  await guardian.close();
  assert.ok(!readyWith.includes(undefined), 'it was ready while its program was down');
});
