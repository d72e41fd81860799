import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODES } from '../errors.ts';
import { DIRECTIONS } from '../model/exchange.ts';
import { HTTP2_LIMITS } from '../model/http2-limit.ts';
import { LINK_CLOSED, LINK_COUNTS, LINK_OPENED } from '../transport/link.ts';
import { GAUGE_DESTINATIONS, GAUGE_SERIES_LIMITED, PEERS, SharedCounts } from './shared-counts.ts';

test('SharedCounts keeps every number apart, and shows all to another view', () => {
  const counts = new SharedCounts();
  let next = 1;
  for (const direction of DIRECTIONS) {
    for (const peer of PEERS) {
      const links = counts.links(direction, peer);
      for (let i = 0; i < LINK_COUNTS; i++) links[i] = next++;
    }
    for (const code of ERROR_CODES) {
      for (let i = 0; i < next; i++) counts.addError(direction, code, next + 1);
      next += 2;
    }
    for (const limit of HTTP2_LIMITS) {
      for (let i = 0; i < next; i++) counts.addLimitHit(direction, limit);
      next++;
    }
  }
  for (let i = GAUGE_DESTINATIONS; i <= GAUGE_SERIES_LIMITED; i++) counts.setGauge(i, next++);
  const view = new SharedCounts(counts.shared);
  const seen: number[] = [];
  for (const direction of DIRECTIONS) {
    for (const peer of PEERS) seen.push(...view.links(direction, peer));
    for (const code of ERROR_CODES) {
      seen.push(view.errors(direction, code), view.lastErrorMs(direction, code));
    }
    for (const limit of HTTP2_LIMITS) seen.push(view.limitHits(direction, limit));
  }
  for (let i = GAUGE_DESTINATIONS; i <= GAUGE_SERIES_LIMITED; i++) seen.push(view.gauge(i));
  assert.deepEqual(
    seen,
    Array.from({ length: next - 1 }, (_, i) => i + 1),
  );
});

test('SharedCounts takes all links of a thread that died for closed', () => {
  const counts = new SharedCounts();
  counts.links('inbound', 'src')[LINK_OPENED] = 5;
  counts.links('inbound', 'src')[LINK_CLOSED] = 2;
  counts.links('outbound', 'dst')[LINK_OPENED] = 3;
  counts.linksBeingRefused()[0] = 1;
  assert.deepEqual([counts.openDownstreamLinks(), counts.servedDownstreamLinks()], [3, 2]);
  counts.closeAllLinks();
  assert.deepEqual([counts.openDownstreamLinks(), counts.servedDownstreamLinks()], [0, 0]);
  assert.equal(counts.links('inbound', 'src')[LINK_CLOSED], 5);
  assert.equal(counts.links('outbound', 'dst')[LINK_CLOSED], 3);
});
