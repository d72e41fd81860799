import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../base/settings.ts';
import type { PortProtocol, Protocol } from './model/exchange.ts';
import { PROXY_SETTINGS, type ProxySettings, checkSettings } from './settings.ts';

const read = (...args: readonly string[]) => readSettings(PROXY_SETTINGS, args, {});

/** Settings that are each in order. */
function valuesOf(...args: readonly string[]): ProxySettings {
  const { problems, values } = read(...args);
  assert.deepEqual(problems, []);
  return values;
}

const INBOUND = ['--inbound', '127.0.0.1:4143', '--forward', '127.0.0.1:8080'];

for (const [what, args] of [
  ['inbound', INBOUND],
  ['outbound with --to', ['--outbound', '127.0.0.1:4140', '--to', 'web=127.0.0.1:1']],
  ['outbound with --dns', ['--outbound', '127.0.0.1:4140', '--dns']],
  [
    'outbound with a controller',
    ['--outbound', '127.0.0.1:4140', '--controller', '127.0.0.1:8086', '--pod-name', 'web-1'],
  ],
  ['a way out', ['--way-out', '127.64.20.1:80=web:80', '--to', 'web=127.0.0.1:1']],
  ['two inbound listeners', [...INBOUND, ...INBOUND]],
  [
    'interception of both families, stand-alone',
    '--intercept-outbound 0.0.0.0:4140 --intercept-outbound [::]:4140 --intercept-inbound 0.0.0.0:4143'.split(
      ' ',
    ),
  ],
] as const) {
  test(`checkSettings has nothing against ${what}`, () => {
    assert.deepEqual(checkSettings(valuesOf(...args)), []);
  });
}

for (const [problem, args] of [
  [/^--inbound is given 1 and --forward 0 times/, ['--inbound', '127.0.0.1:1']],
  [/^--inbound is given 1 and --forward 2 times/, [...INBOUND, '--forward', '127.0.0.1:2']],
  [/^nothing to do: give --inbound/, []],
  [/^nothing to do/, ['--to', 'web=127.0.0.1:1']],
  [/^--pod-name is missing/, [...INBOUND, '--controller', '127.0.0.1:8086']],
  [/^--outbound leads nowhere/, ['--outbound', '127.0.0.1:1']],
] as const) {
  test(`checkSettings says "${problem.source}" of ${args.join(' ') || 'no settings'}`, () => {
    const problems = checkSettings(valuesOf(...args));
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', problem);
  });
}

test('checkSettings says every problem, one line each', () => {
  const problems = checkSettings(
    valuesOf('--forward', '127.0.0.1:1', '--controller', '127.0.0.1:8086'),
  );
  assert.equal(problems.length, 3);
  assert.ok(problems.every((line) => !line.includes('\n')));
});

const endpoint = (port: number, protocol?: 'http1' | 'http2') => ({
  host: '127.0.0.1',
  port,
  protocol,
});
const target = (authority: string, port: number) => ({ originalDst: undefined, authority, port });

const DESTINATIONS: readonly (readonly [value: string, expected: object, PortProtocol?])[] = [
  ['web=127.0.0.1:1', { target: target('web', 80), anyPort: true, endpoints: [endpoint(1)] }],
  [
    'Web.Demo:8080=127.0.0.1:1,127.0.0.1:2',
    { target: target('web.demo', 8080), anyPort: false, endpoints: [endpoint(1), endpoint(2)] },
  ],
  [
    'web=[::1]:81',
    {
      target: target('web', 80),
      anyPort: true,
      endpoints: [{ host: '::1', port: 81, protocol: undefined }],
    },
  ],
  [
    'web:80=h2c://127.0.0.1:1,127.0.0.1:2',
    {
      target: target('web', 80),
      anyPort: false,
      endpoints: [endpoint(1, 'http2'), endpoint(2, 'http2')],
    },
    'http2',
  ],
  [
    'web=http2://127.0.0.1:1',
    { target: target('web', 80), anyPort: true, endpoints: [endpoint(1, 'http2')] },
    'http2',
  ],
  [
    'db:5432=opaque://127.0.0.1:1',
    { target: target('db', 5432), anyPort: false, endpoints: [endpoint(1)] },
    'opaque',
  ],
  [
    'web=http://127.0.0.1:1',
    { target: target('web', 80), anyPort: true, endpoints: [endpoint(1, 'http1')] },
    'http1',
  ],
  [
    'web=http1://127.0.0.1:1',
    { target: target('web', 80), anyPort: true, endpoints: [endpoint(1, 'http1')] },
    'http1',
  ],
  [
    'web=sidecar://127.0.0.1:1',
    {
      target: target('web', 80),
      anyPort: true,
      endpoints: [{ ...endpoint(1), meshed: true }],
    },
  ],
];

for (const [value, expected, declared] of DESTINATIONS) {
  test(`--to ${value} is a destination`, () => {
    assert.deepEqual(valuesOf('--to', value).to, [{ ...expected, declared }]);
  });
}

type Forward = readonly [string, Protocol | undefined, PortProtocol | undefined];

const FORWARDS: readonly Forward[] = [
  ['127.0.0.1:8080', undefined, undefined],
  ['http1://127.0.0.1:8080', 'http1', 'http1'],
  ['http://127.0.0.1:8080', 'http1', 'http1'],
  ['http2://127.0.0.1:8080', 'http2', 'http2'],
  ['h2c://127.0.0.1:8080', 'http2', 'http2'],
  ['opaque://127.0.0.1:8080', undefined, 'opaque'],
];

for (const [value, protocol, declared] of FORWARDS) {
  test(`--forward ${value} is where the application listens`, () => {
    const [given] = valuesOf('--forward', value).forward;
    const said = protocol === undefined ? {} : { protocol };
    assert.deepEqual(given, { forward: { host: '127.0.0.1', port: 8080, ...said }, declared });
  });
}

for (const value of [
  'opaque://',
  'opaque://8080',
  'tcp://127.0.0.1:1',
  'sidecar://127.0.0.1:1',
  'opaque://127.0.0.1:0',
  '127.0.0.1:65536',
  'OPAQUE://127.0.0.1:1',
]) {
  test(`--forward "${value}" is refused with what is allowed`, () => {
    assert.deepEqual(read('--forward', value).problems, [
      `--forward: "${value}" is not [http1://|http2://|opaque://]ADDRESS:PORT`,
    ]);
  });
}

for (const value of [
  'web',
  'web=',
  '=127.0.0.1:1',
  'web=127.0.0.1',
  'web=127.0.0.1:0',
  'web=127.0.0.1:1,',
  'web=127.0.0.1:1=2',
  'web:0=127.0.0.1:1',
  'web:65536=127.0.0.1:1',
  'web:x=127.0.0.1:1',
  'http://web=127.0.0.1:1',
  'a b=127.0.0.1:1',
  'web=https://127.0.0.1:1',
  'web=://127.0.0.1:1',
  'web=h2c://',
  'web=h2c://127.0.0.1:1,h2c://127.0.0.1:2',
]) {
  test(`--to "${value}" is refused with what is allowed`, () => {
    const { problems } = read('--to', value);
    assert.deepEqual(problems, [
      `--to: "${value}" is not NAME[:PORT]=[http1://|http2://|opaque://|sidecar://]ADDRESS:PORT[,ADDRESS:PORT…]`,
    ]);
  });
}

test('--way-out is a listener that stands for a host', () => {
  const given = '127.64.20.1:8080=Web.Demo.svc.cluster.local:80';
  assert.deepEqual(valuesOf('--way-out', given).wayOut, [
    {
      listen: { host: '127.64.20.1', port: 8080 },
      target: target('web.demo.svc.cluster.local', 80),
    },
  ]);
  assert.equal(valuesOf('--way-out', '127.0.0.1:0=web:80').wayOut[0]?.listen.port, 0);
});

for (const value of [
  '127.0.0.1:1',
  '=web:80',
  '127.0.0.1:1=',
  '127.0.0.1:1=web',
  'a:1=web:0',
  'a:1=b:2=c:3',
]) {
  test(`--way-out "${value}" is refused with what is allowed`, () => {
    assert.deepEqual(read('--way-out', value).problems, [
      `--way-out: "${value}" is not ADDRESS:PORT=HOST:PORT`,
    ]);
  });
}

test('every other bad value is refused by name', () => {
  for (const [flag, value] of [
    ['--inbound', '4143'],
    ['--admin', '127.0.0.1:65536'],
    ['--dial-from', 'web'],
    ['--drain-deadline-ms', '-1'],
    ['--drain-quiet-ms', '5s'],
    ['--log-level', 'loud'],
    ['--forward-protocol', 'http3'],
    ['--threads-of', '1'],
  ] as const) {
    const { problems } = read(`${flag}=${value}`);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.ok(problems[0]?.startsWith(`${flag}: `), problems.join());
  }
});
