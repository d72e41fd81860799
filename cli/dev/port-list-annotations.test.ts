import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portListProblems, skippedPorts } from './port-list-annotations.ts';

const PREFIX = 'config.culvert.dev/';
const WORDS = 'must be a list of ports, ranges and port names, as "3306,4444-4450,mysql", has';
const NAMES = new Set([undefined, 'sql']);

test('portListProblems names each annotation that is no list, and what is wrong in it', () => {
  const good = { [`${PREFIX}opaque-ports`]: '25, sql', [`${PREFIX}skip-inbound-ports`]: '' };
  assert.deepEqual(portListProblems(good, NAMES), []);
  const bad = {
    [`${PREFIX}opaque-ports`]: '25;26',
    [`${PREFIX}skip-inbound-ports`]: '0',
    [`${PREFIX}skip-outbound-ports`]: '9-8',
    other: '0',
  };
  assert.deepEqual(portListProblems(bad, NAMES), [
    [`${PREFIX}opaque-ports`, `${WORDS} "25;26"`],
    [`${PREFIX}skip-inbound-ports`, `${WORDS} "0"`],
    [`${PREFIX}skip-outbound-ports`, `${WORDS} "9-8"`],
  ]);
});

test('portListProblems knows which ports have names', () => {
  const given = {
    [`${PREFIX}opaque-ports`]: 'sql,web',
    [`${PREFIX}skip-outbound-ports`]: '25,sql',
  };
  assert.deepEqual(portListProblems(given, NAMES), [
    [`${PREFIX}opaque-ports`, 'names the port "web", which is not there'],
    [`${PREFIX}skip-outbound-ports`, 'must name ports by number, has "sql"'],
  ]);
});

test('portListProblems shows what is wrong in one line, and not longer than a line', () => {
  const name = `${PREFIX}opaque-ports`;
  for (const [text, shown] of [
    ['80\n81', String.raw`"80\n81"`],
    ['x '.repeat(100_000), `"${'x '.repeat(30)}…"`],
  ] as const) {
    assert.deepEqual(portListProblems({ [name]: text }, NAMES), [[name, `${WORDS} ${shown}`]]);
  }
});

test('skippedPorts are those of the annotations, the ports of the pod by name too', () => {
  const ports = [
    { name: 'sql', containerPort: 3_306 },
    { name: undefined, containerPort: 80 },
  ];
  assert.deepEqual(skippedPorts({}, ports), { inbound: [], outbound: [] });
  const given = {
    [`${PREFIX}skip-inbound-ports`]: 'sql,9000-9010',
    [`${PREFIX}skip-outbound-ports`]: '25',
  };
  assert.deepEqual(skippedPorts(given, ports), {
    inbound: [
      { first: 9_000, last: 9_010 },
      { first: 3_306, last: 3_306 },
    ],
    outbound: [{ first: 25, last: 25 }],
  });
});
