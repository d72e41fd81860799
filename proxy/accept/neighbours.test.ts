import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Neighbours, shareNeighbours } from './neighbours.ts';

/** Threads with so many downstream connections; `links` may be changed. */
function neighboursWith(...links: number[]): { links: number[]; neighbours: Neighbours } {
  const shared = shareNeighbours(links.length);
  return { links, neighbours: new Neighbours(shared, (thread) => links[thread] ?? 0) };
}

describe('Neighbours', () => {
  it('keeps a connection where no other thread is less busy', () => {
    assert.equal(neighboursWith(0, 0).neighbours.choose(1), 1);
    assert.equal(neighboursWith(3, 3, 3).neighbours.choose(2), 2);
    assert.equal(neighboursWith(9).neighbours.choose(0), 0, 'there is no other');
  });

  it('passes the second connection to the other thread', () => {
    assert.equal(neighboursWith(1, 0).neighbours.choose(0), 1);
  });

  it('passes on from half as many again and one more, and not before', () => {
    assert.equal(neighboursWith(15, 10).neighbours.choose(0), 0);
    assert.equal(neighboursWith(16, 10).neighbours.choose(0), 1);
  });

  it('passes to the least busy of the others', () => {
    assert.equal(neighboursWith(20, 7, 5, 6).neighbours.choose(0), 2);
  });

  it('counts what is on its way to a thread as its own', () => {
    const { neighbours } = neighboursWith(4, 0, 0);
    const chosen = Array.from({ length: 6 }, () => neighbours.choose(0));
    assert.deepEqual(chosen, [1, 2, 1, 2, 1, 2]);
    assert.equal(neighbours.choose(0), 0, 'each of the others has three on their way');
  });

  it('sends no more than 8 at a time to a thread that does not take them', () => {
    const { neighbours } = neighboursWith(1_000, 0);
    const chosen = Array.from({ length: 10 }, () => neighbours.choose(0));
    assert.deepEqual(chosen, [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    neighbours.taken(1);
    assert.equal(neighbours.choose(0), 1, 'there is room for one again');
  });

  it('forgets what was on its way to the last life of a thread', () => {
    const { neighbours } = neighboursWith(1_000, 0);
    for (let passed = 0; passed < 8; passed++) neighbours.choose(0);
    neighbours.began(1);
    assert.equal(neighbours.choose(0), 1);
    // What was passed to the last life and taken by this one must not count below nothing.
    for (let taken = 0; taken < 4; taken++) neighbours.taken(1);
    assert.equal(neighbours.choose(0), 1);
  });

  it('is one view from every thread', () => {
    const shared = shareNeighbours(2);
    const links = [50, 0];
    const seen = Array.from({ length: 2 }, () => new Neighbours(shared, (n) => links[n] ?? 0));
    for (let passed = 0; passed < 8; passed++) seen[0]!.choose(0);
    assert.equal(
      seen[1]!.least(() => true),
      0,
      'thread 1 has all that it may have on their way',
    );
    assert.equal(seen[1]!.links, 50);
  });
});
