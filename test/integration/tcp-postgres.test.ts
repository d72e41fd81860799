import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { Postgres, psql, withoutPostgres } from '../support/postgres.ts';
import { TCP_WAYS, TcpPath } from '../support/tcp-ways.ts';

const skip = withoutPostgres();
const ROWS = 50_000;
/** 32 characters a row, and a line feed. */
const DIGESTS = `select md5(i::text) from generate_series(1, ${ROWS}) i`;
/** Sent as one statement of some 500 KB. */
const INSERT = `insert into words values ${Array.from({ length: ROWS }, (_, i) => `(${i})`).join(',')}`;

let server: Postgres | undefined;
before(async () => {
  if (skip === false) server = await Postgres.start();
});
after(async () => server?.[Symbol.asyncDispose]());

const portOf = (): number => server?.port ?? assert.fail('no server');

for (const way of TCP_WAYS) {
  it(`psql speaks with PostgreSQL through ${way.name}`, { skip }, async () => {
    await using path = await TcpPath.open(way, portOf());
    const direct = await psql(`127.0.0.1:${portOf()}`, DIGESTS);
    assert.equal(await psql(path.address, DIGESTS), direct);
    assert.equal(direct.length, 33 * ROWS);
    const written = await psql(
      path.address,
      'create temp table words (n int)',
      INSERT,
      'select count(*), sum(n) from words',
    );
    assert.equal(written, `${ROWS}|${(ROWS * (ROWS - 1)) / 2}\n`);
    // An error is the server's, not a broken connection.
    await assert.rejects(psql(path.address, 'select 1/0'), /division by zero/);
  });
}
