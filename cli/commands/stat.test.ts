import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResourceKind, StatRow } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type {
  StatSummaryRequest,
  StatSummaryResponse,
} from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { Failure } from '../failure.ts';
import { statQuestion } from '../stat/stat-question.ts';
import { runStat, watchStat } from './stat.ts';
import type { StatOptions } from './stat.ts';

const defaults: StatOptions = {
  namespace: 'default',
  allNamespaces: false,
  timeWindow: 60,
  output: 'table',
  to: undefined,
  toNamespace: undefined,
  from: undefined,
  fromNamespace: undefined,
};

class Recorder {
  out = '';
  err = '';
  readonly output = {
    out: (text: string) => void (this.out += text),
    err: (text: string) => void (this.err += text),
    terminal: undefined,
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

async function* times(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

const pace = (count: number, stop = new AbortController().signal) => ({
  ticks: times(count),
  stop,
});

const empty: StatSummaryResponse = { rows: [], windowSeconds: 60 };
const web: StatSummaryResponse = {
  rows: [StatRow.fromPartial({ namespace: 'demo', name: 'web', success: 1, rps: 1 })],
  windowSeconds: 60,
};

test('stat without rows explains itself', async () => {
  const all = { ...defaults, allNamespaces: true, timeWindow: 90 };
  const first = new Recorder();
  await runStat(apiOf(empty), statQuestion('route', undefined, all), all, first.output);
  assert.equal(
    first.out,
    'No traffic in the last 1m30s. Is the workload meshed? Try: meshctl check --proxy\n',
  );
  const second = new Recorder();
  await runStat(apiOf(empty), statQuestion('po', undefined, defaults), defaults, second.output);
  assert.match(second.out, /^No pods\.\nOnly the namespace "default"/);
});

test('stat of a route, an authority, or an edge without a row says that there was no traffic', async () => {
  const cases: readonly (readonly [string, string | undefined, Partial<StatOptions>, RegExp])[] = [
    ['route', 'x', {}, /^No traffic in the last 1m\. Is the workload meshed\?/],
    ['au', undefined, {}, /^No traffic in the last 1m\. /],
    [
      'deploy',
      'web',
      { to: 'svc/rates', toNamespace: 'post' },
      /^No traffic from deployment "web" to service "rates" in namespace "post" in the last 1m\. /,
    ],
    ['svc', undefined, { from: 'ns/demo' }, /^No traffic from namespace "demo" to any service in/],
    ['all', undefined, { to: 'svc' }, /^No traffic from anything to any service in the last/],
  ];
  for (const [type, name, changed, text] of cases) {
    const options = { ...defaults, ...changed };
    const recorder = new Recorder();
    const question = statQuestion(type, name, options);
    const api = { statSummary: async () => empty };
    await runStat(api, question, options, recorder.output);
    assert.match(recorder.out, text);
    assert.match(recorder.out, /\nOnly the namespace "default" was looked at/);
  }
});

/** One row of the kind that is asked for. */
const ofEachKind = {
  statSummary: async ({ resource }: StatSummaryRequest): Promise<StatSummaryResponse> => {
    const kind = resource?.kind ?? ResourceKind.UNRECOGNIZED;
    const names = kind === ResourceKind.RESOURCE_KIND_NAMESPACE ? ['demo', 'post'] : ['one'];
    return { rows: names.map((name) => StatRow.fromPartial({ kind, name })), windowSeconds: 60 };
  },
};

test('stat all has a block a kind, and of namespaces the one looked at', async () => {
  const options = { ...defaults, namespace: 'demo' };
  const recorder = new Recorder();
  await runStat(ofEachKind, statQuestion('all', undefined, options), options, recorder.output);
  const blocks = recorder.out.split('\n\n').map((block) => block.match(/^\w+\/\w+/gm));
  const expected = ['deploy/one', 'po/one', 'ns/demo', 'svc/one', 'au/one', 'route/one'];
  assert.deepEqual(
    blocks,
    expected.map((name) => [name]),
  );
});

test('stat ns has every namespace, whichever is looked at', async () => {
  const options = { ...defaults, namespace: 'demo' };
  const recorder = new Recorder();
  await runStat(ofEachKind, statQuestion('ns', undefined, options), options, recorder.output);
  assert.match(recorder.out, /^demo .*\npost /m);
});

test('stat all -A -o json is one list of all kinds', async () => {
  const options: StatOptions = { ...defaults, allNamespaces: true, output: 'json' };
  const recorder = new Recorder();
  await runStat(ofEachKind, statQuestion('all', undefined, options), options, recorder.output);
  const rows = JSON.parse(recorder.out) as { kind: string; name: string }[];
  assert.deepEqual(
    rows.map(({ kind, name }) => `${kind} ${name}`),
    [
      'deployment one',
      'pod one',
      'namespace demo',
      'namespace post',
      'service one',
      'authority one',
      'route one',
    ],
  );
});

test('stat -o json without rows is an empty list', async () => {
  const options: StatOptions = { ...defaults, output: 'json' };
  const recorder = new Recorder();
  await runStat(apiOf(empty), statQuestion('po', undefined, options), options, recorder.output);
  assert.equal(recorder.out, '[]\n');
});

test('stat --watch prints again at each tick and outlives a failed call', async () => {
  const recorder = new Recorder();
  const request = statQuestion('deploy', undefined, defaults);
  const api = apiOf(empty, new Failure('cannot reach it'), web);
  await watchStat(api, request, defaults, recorder.output, pace(2));
  assert.match(recorder.out, /^No deployments\.[^]*\n\nNAME +SUCCESS[^]*web +100\.00%/);
  assert.equal(recorder.err, 'cannot reach it\n');
});

test('stat --watch -o json prints one line a sample', async () => {
  const options: StatOptions = { ...defaults, output: 'json' };
  const recorder = new Recorder();
  const request = statQuestion('deploy', undefined, options);
  await watchStat(apiOf(web, empty, web), request, options, recorder.output, pace(2));
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
  const request = statQuestion('deploy', undefined, defaults);
  const watching = watchStat(
    apiOf(new Failure('cannot reach it')),
    request,
    defaults,
    new Recorder().output,
    pace(5),
  );
  await assert.rejects(watching, /cannot reach it/);
});

const TERMINAL = { columns: 80, rows: 24, onResize: () => () => {} };
const LEAVE = '\u001B[?25h\u001B[?1049l';

test('stat --watch redraws a terminal, failures above the last figures, and gives it back', async () => {
  const recorder = new Recorder();
  const output = { ...recorder.output, terminal: TERMINAL };
  const question = statQuestion('deploy', undefined, defaults);
  const api = apiOf(web, new Failure('cannot reach it'), web);
  await watchStat(api, question, defaults, output, pace(2));
  const frames = recorder.out.split('\u001B[H');
  assert.deepEqual(
    frames
      .slice(1)
      .map((frame) => /cannot reach it[^]*web/.test(frame) || /^NAME[^]*web/.test(frame)),
    [true, true, true],
  );
  assert.match(frames[2] ?? '', /^cannot reach it/);
  assert.ok(recorder.out.endsWith(LEAVE));
  assert.equal(recorder.err, '');
});

test('stat --watch gives the terminal back when it is interrupted during a call', async () => {
  const recorder = new Recorder();
  const output = { ...recorder.output, terminal: TERMINAL };
  const interrupted = new AbortController();
  let calls = 0;
  const api = {
    statSummary: async (): Promise<StatSummaryResponse> => {
      if (++calls === 1) return web;
      interrupted.abort();
      return new Promise(() => {});
    },
  };
  const question = statQuestion('deploy', undefined, defaults);
  await watchStat(api, question, defaults, output, pace(5, interrupted.signal));
  assert.equal(calls, 2);
  assert.ok(recorder.out.endsWith(LEAVE));
});

test('stat --watch whose first call is interrupted prints nothing', async () => {
  const recorder = new Recorder();
  const stop = AbortSignal.abort();
  const api = { statSummary: () => new Promise<StatSummaryResponse>(() => {}) };
  const question = statQuestion('deploy', undefined, defaults);
  await watchStat(api, question, defaults, recorder.output, pace(5, stop));
  assert.equal(recorder.out, '');
});
