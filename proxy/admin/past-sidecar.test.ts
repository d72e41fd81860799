import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type PastSidecar, connectionsPast } from './past-sidecar.ts';
import { type TcpSocket, portOf, readTcpTable, tcpSockets } from './tcp-table.ts';

const UID = 2102;
const APP = 1000;
const OWN = { uid: UID, outboundPorts: [4140] };

/** Addresses as the kernel writes them. */
const POD = '0100010A';
const PEER = '0200010A';
const LOOPBACK = '0100007F';
const ANY = '00000000';
const MAPPED = '0000000000000000FFFF0000';
const POD6 = '000099FD000000000000000001000000';
const PEER6 = '000099FD000000000000000002000000';
const NEIGHBOUR6 = '000080FE000000000000000002000000';

const at = (address: string, port: number): string =>
  `${address}:${port.toString(16).toUpperCase().padStart(4, '0')}`;

type Row = readonly [
  local: string,
  remote: string,
  state: 'open' | 'listens' | 'ends',
  uid: number,
];

const STATES = { open: '01', listens: '0A', ends: '08' } as const;

/** A table as Linux prints it. */
const table = (rows: readonly Row[]): string =>
  [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    ...rows.map(
      ([local, remote, state, uid], n) =>
        `${String(n).padStart(4)}: ${local} ${remote} ${STATES[state]} 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 ${n} 1 00000000af6fdc23 100 0 0 10 0`,
    ),
    '',
  ].join('\n');

const LISTENERS: readonly Row[] = [
  [at(ANY, 4140), at(ANY, 0), 'listens', UID],
  [at(ANY, 4143), at(ANY, 0), 'listens', UID],
  [at(ANY, 8080), at(ANY, 0), 'listens', APP],
];

const past = (...rows: readonly Row[]): readonly PastSidecar[] | undefined => {
  const sockets = readTcpTable(table([...LISTENERS, ...rows]));
  return connectionsPast(() => sockets, OWN);
};

const app = (local: string, remote: string): Row => [local, remote, 'open', APP];
const own = (local: string, remote: string): Row => [local, remote, 'open', UID];

test('connectionsPast finds nothing where the rules are in force', () => {
  const outbound = [app(at(POD, 40_000), at(PEER, 80)), own(at(LOOPBACK, 4140), at(POD, 40_000))];
  assert.deepEqual(past(...outbound), [], 'outbound');
  const waiting: Row = [at(LOOPBACK, 4140), at(POD, 40_000), 'open', 0];
  assert.deepEqual(past(app(at(POD, 40_000), at(PEER, 80)), waiting), [], 'not accepted yet');
  const inbound = [
    own(at(POD, 4143), at(PEER, 50_000)),
    own(at(POD, 50_001), at(POD, 8080)),
    app(at(POD, 8080), at(POD, 50_001)),
  ];
  assert.deepEqual(past(...inbound), [], 'inbound');
  assert.deepEqual(past([at(POD, 4143), at(PEER, 50_000), 'open', 0]), [], 'not accepted yet');
  assert.deepEqual(past(own(at(POD, 50_002), at(PEER, 80))), [], "the sidecar's own");
  const mapped = app(at(MAPPED + POD, 40_000), at(MAPPED + PEER, 80));
  assert.deepEqual(past(mapped, own(at(LOOPBACK, 4140), at(POD, 40_000))), [], 'both families');
});

test('connectionsPast finds nothing in what the rules leave alone, or is ending', () => {
  assert.deepEqual(past(app(at(LOOPBACK, 40_000), at(LOOPBACK, 8080))), []);
  assert.deepEqual(past(app(at(LOOPBACK, 8080), at(LOOPBACK, 40_000))), []);
  assert.deepEqual(past(app(at(POD6, 40_000), at(NEIGHBOUR6, 80))), []);
  assert.deepEqual(past([at(POD, 40_000), at(PEER, 80), 'ends', APP]), []);
});

test('connectionsPast counts by port what goes out past the sidecar', () => {
  assert.deepEqual(
    past(
      app(at(POD, 40_000), at(PEER, 5432)),
      app(at(POD, 40_001), at(PEER, 80)),
      app(at(POD, 40_002), at(PEER, 80)),
      app(at(POD, 40_003), at(PEER, 80)),
      own(at(LOOPBACK, 4140), at(POD, 40_003)),
      app(at(POD6, 40_004), at(PEER6, 80)),
      // To its own pod: the other end is no socket of the sidecar's.
      app(at(POD, 40_005), at(POD, 8080)),
      app(at(POD, 8080), at(POD, 40_005)),
    ),
    [
      { direction: 'outbound', port: 80, connections: 3 },
      { direction: 'outbound', port: 5432, connections: 1 },
      { direction: 'outbound', port: 8080, connections: 1 },
    ],
  );
});

test('connectionsPast counts by port what comes in past the sidecar', () => {
  assert.deepEqual(past(app(at(POD, 8080), at(PEER, 50_000))), [
    { direction: 'inbound', port: 8080, connections: 1 },
  ]);
});

/** What one finds who looks at these tables, one after the other. */
const looks = (...texts: readonly (readonly Row[] | undefined)[]): unknown => {
  const tables = texts.map((rows) => rows && readTcpTable(table([...LISTENERS, ...rows])));
  return connectionsPast(() => tables.shift(), OWN);
};

test('connectionsPast suspects only what it sees twice, and says when it cannot see', () => {
  const open = app(at(POD, 40_000), at(PEER, 80));
  assert.deepEqual(looks([open], [open, own(at(LOOPBACK, 4140), at(POD, 40_000))]), []);
  assert.deepEqual(looks([open], []), []);
  assert.deepEqual(looks([open], [app(at(POD, 40_001), at(PEER, 80))]), []);
  assert.equal(looks(undefined), undefined);
  assert.equal(looks([open], undefined), undefined);
});

const skip = process.platform !== 'linux' && 'the tables are those of Linux';

test('tcpSockets has a connection of this process from both ends', { skip }, async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  await once(client, 'connect');
  const open: TcpSocket[] = (tcpSockets() ?? []).filter(({ state }) => state === 1);
  const mine = open.find(({ local }) => portOf(local) === client.localPort);
  assert.equal(mine?.remote, at('0100007F', port));
  assert.equal(mine.uid, process.getuid?.());
  assert.ok(open.some(({ local, remote }) => local === mine.remote && remote === mine.local));
});
