import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResourceKind, StatRow } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { StatSummaryResponse } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { EXIT_USAGE } from '../../base/settings.ts';
import { Failure } from '../failure.ts';
import { runStat, statRequest, watchStat } from './stat.ts';
import type { StatOptions } from './stat.ts';

const defaults: StatOptions = {
  namespace: 'default',
  allNamespaces: false,
  timeWindow: 60,
  output: 'table',
  to: undefined,
  from: undefined,
};

class Recorder {
  out = '';
  err = '';
  readonly output = {
    out: (text: string) => void (this.out += text),
    err: (text: string) => void (this.err += text),
    interactive: false,
  };
}

/** An API that gives these answers in turn. */
function apiOf(...answers: readonly (StatSummaryResponse | Error)[]) {
  const left = [...answers];
  return {
    statSummary: async () => {
      const answer = left.shift();
      if (answer === undefined) throw new Error('asked once more than expected');
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

async function* ticks(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

const empty: StatSummaryResponse = { rows: [], windowSeconds: 60 };
const web: StatSummaryResponse = {
  rows: [StatRow.fromPartial({ namespace: 'demo', name: 'web', success: 1, rps: 1 })],
  windowSeconds: 60,
};

test('stat request carries the resource, its namespace, the window and both ends', () => {
  const options = {
    ...defaults,
    namespace: 'demo',
    timeWindow: 300,
    to: 'svc/rates',
    from: 'po/a',
  };
  const { RESOURCE_KIND_DEPLOYMENT, RESOURCE_KIND_POD, RESOURCE_KIND_SERVICE } = ResourceKind;
  assert.deepEqual(statRequest('deploy', 'web', options), {
    resource: { kind: RESOURCE_KIND_DEPLOYMENT, namespace: 'demo', name: 'web' },
    windowSeconds: 300,
    to: { kind: RESOURCE_KIND_SERVICE, namespace: 'demo', name: 'rates' },
    from: { kind: RESOURCE_KIND_POD, namespace: 'demo', name: 'a' },
  });
});

test('stat -A asks for all namespaces', () => {
  const options = { ...defaults, namespace: 'demo', allNamespaces: true };
  assert.equal(statRequest('po', undefined, options).resource?.namespace, '');
});

test('stat without rows explains itself', async () => {
  const all = { ...defaults, allNamespaces: true, timeWindow: 90 };
  const first = new Recorder();
  await runStat(apiOf(empty), statRequest('route', undefined, all), all, first.output);
  assert.equal(
    first.out,
    'No traffic in the last 1m30s. Is the workload meshed? Try: meshctl check --proxy\n',
  );
  const second = new Recorder();
  await runStat(apiOf(empty), statRequest('po', undefined, defaults), defaults, second.output);
  assert.match(second.out, /^No pods\.\nOnly the namespace "default"/);
});

test('stat of a named resource without a row says that there is none', async () => {
  const sentences: readonly (readonly [type: string, Partial<StatOptions>, string])[] = [
    ['deploy', {}, 'no deployment "x" in namespace "default"'],
    ['po', { allNamespaces: true }, 'no pod "x" in any namespace'],
    ['ns', { output: 'json' }, 'no namespace "x"'],
  ];
  for (const [type, changed, message] of sentences) {
    const options = { ...defaults, ...changed };
    const request = statRequest(type, 'x', options);
    const asking = runStat(apiOf(empty), request, options, new Recorder().output);
    await assert.rejects(asking, new Failure(message));
  }
});

test('stat of a named route, or towards somewhere, without a row says that there was no traffic', async () => {
  const towards = { ...defaults, to: 'svc/rates' };
  for (const [type, options] of [
    ['route', defaults],
    ['deploy', towards],
  ] as const) {
    const recorder = new Recorder();
    await runStat(apiOf(empty), statRequest(type, 'x', options), options, recorder.output);
    assert.match(recorder.out, /^No traffic in the last 1m\. /);
  }
});

const usage = (message: RegExp) => (error: unknown) =>
  error instanceof Failure && error.exitCode === EXIT_USAGE && message.test(error.message);

test('stat refuses a pod as a destination', () => {
  const to = { ...defaults, to: 'po/a' };
  assert.throws(() => statRequest('deploy', undefined, to), usage(/one pod .* --to deploy/));
  const from = { ...defaults, from: 'deploy/a' };
  assert.throws(() => statRequest('po', undefined, from), usage(/one pod .* stat deploy/));
});

test('stat -o json without rows is an empty list', async () => {
  const options: StatOptions = { ...defaults, output: 'json' };
  const recorder = new Recorder();
  await runStat(apiOf(empty), statRequest('po', undefined, options), options, recorder.output);
  assert.equal(recorder.out, '[]\n');
});

test('stat --watch prints again at each tick and outlives a failed call', async () => {
  const recorder = new Recorder();
  const request = statRequest('deploy', undefined, defaults);
  const api = apiOf(empty, new Failure('cannot reach it'), web);
  await watchStat(api, request, defaults, recorder.output, ticks(2));
  assert.match(recorder.out, /^No deployments\.[^]*\n\nNAME +SUCCESS[^]*web +100\.00%/);
  assert.equal(recorder.err, 'cannot reach it\n');
});

test('stat --watch -o json prints one line a sample', async () => {
  const options: StatOptions = { ...defaults, output: 'json' };
  const recorder = new Recorder();
  const request = statRequest('deploy', undefined, options);
  await watchStat(apiOf(web, empty, web), request, options, recorder.output, ticks(2));
  const samples = recorder.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object[]);
  assert.deepEqual(
    samples.map((rows) => rows.length),
    [1, 0, 1],
  );
});

test('stat --watch fails when the first call fails', async () => {
  const request = statRequest('deploy', undefined, defaults);
  const watching = watchStat(
    apiOf(new Failure('cannot reach it')),
    request,
    defaults,
    new Recorder().output,
    ticks(5),
  );
  await assert.rejects(watching, /cannot reach it/);
});

test('stat --watch redraws a terminal', async () => {
  const recorder = new Recorder();
  const output = { ...recorder.output, interactive: true };
  const request = statRequest('deploy', undefined, defaults);
  await watchStat(apiOf(web, web), request, defaults, output, ticks(1));
  assert.equal(recorder.out.split('\u001B[H\u001B[2J').length, 3);
});
