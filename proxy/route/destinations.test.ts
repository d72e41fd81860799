import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TimerWheel } from '../../base/timer-wheel.ts';
import { limits, timeouts } from '../limits.ts';
import type { Destination, DestinationResource, Target } from '../model/destination.ts';
import { MeshError } from '../model/mesh-error.ts';
import { Destinations, type Found } from './destinations.ts';
import type { DnsAnswer } from './dns.ts';
import { parseAuthority } from './target.ts';
import { unlabelledDestination } from './unlabelled.ts';

const address = (host: string): Target => ({
  originalDst: `${host}:80`,
  authority: undefined,
  port: 80,
});

/** A resource of this service is refused. */
const BAD = 'bad';

const target = (authority: string): Target =>
  parseAuthority(authority) ?? assert.fail(`${authority} is no authority`);

const resource = (service: string): DestinationResource =>
  unlabelledDestination(`${service}:80`, service, 80, [{ host: '127.0.0.1', port: 1 }]);

interface Options {
  readonly controlled?: boolean;
  readonly dns?: boolean;
}

/** Destinations with a clock of their own, and all that they ask. */
class Bench {
  readonly subscribed: string[] = [];
  readonly unsubscribed: string[] = [];
  /** Questions to the fallback, in order, each with the way to answer it. */
  readonly asked: { readonly name: string; readonly answer: (answer: DnsAnswer) => void }[] = [];
  /** Compiled and not disposed of. */
  readonly live: Destination[] = [];
  readonly destinations: Destinations;
  readonly #wheel: TimerWheel;
  #nowMs = 0;

  constructor(t: TestContext, { controlled = true, dns = true }: Options = {}) {
    this.#wheel = new TimerWheel(100, () => this.#nowMs);
    t.after(() => this.#wheel.stop());
    this.destinations = new Destinations({
      wheel: this.#wheel,
      nowUs: () => this.#nowMs * 1000,
      subscribe: controlled ? (key) => void this.subscribed.push(key) : undefined,
      unsubscribe: (key) => void this.unsubscribed.push(key),
      compile: (from) => this.#compile(from),
      dispose: (destination) => {
        const at = this.live.indexOf(destination);
        assert.notEqual(at, -1, 'disposed of twice');
        this.live.splice(at, 1);
      },
      fallback: dns
        ? ({ authority = '' }, answer) => void this.asked.push({ name: authority, answer })
        : undefined,
    });
  }

  #compile({ authority, namespace, outside, port, service }: DestinationResource): Destination {
    if (service === BAD) throw new Error('it is bad');
    const routes = { nameOf: () => '', settle: () => '' };
    const picker = { pick: () => undefined };
    const compiled = { authority, service, namespace, outside, port, picker, routes };
    const destination = { ...compiled, endpoints: [], readyCount: 0 };
    this.live.push(destination);
    return destination;
  }

  wait(ms: number): void {
    const endMs = this.#nowMs + ms;
    while (this.#nowMs < endMs) {
      this.#nowMs = Math.min(endMs, this.#nowMs + 100);
      this.#wheel.advance();
    }
  }

  /** What is known, in a word: the service, the code of the failure, or nothing. */
  find(authority: string, explicit = true): string | undefined {
    return wordOf(this.destinations.find(target(authority), explicit));
  }

  /** What waiters are told, in order. */
  waitFor(authority: string): (string | undefined)[] {
    const told: (string | undefined)[] = [];
    this.destinations.whenFound(target(authority), (found) => told.push(wordOf(found)));
    return told;
  }

  answer(found: DnsAnswer['found'], keepMs = 30_000): void {
    const question = this.asked.at(-1) ?? assert.fail('nothing was asked');
    question.answer({ found, keepMs });
  }
}

function wordOf(found: Found | undefined): string | undefined {
  return found instanceof MeshError ? found.code : found?.service;
}

test('Destinations asks once about a target, and tells all who wait', (t) => {
  const bench = new Bench(t);
  assert.equal(bench.find('web'), undefined);
  const told = bench.waitFor('web');
  assert.equal(bench.find('WEB:80'), undefined);
  const also = bench.waitFor('web');
  assert.deepEqual(bench.subscribed, ['web:80']);
  assert.deepEqual(told, []);
  assert.equal(bench.destinations.apply('web:80', resource('web')), undefined);
  assert.deepEqual([told, also], [['web'], ['web']]);
  assert.equal(bench.find('web'), 'web');
  assert.deepEqual(bench.waitFor('web'), ['web']);
  assert.deepEqual(bench.subscribed, ['web:80']);
});

test('Destinations puts a new version in force and lets go of the old one', (t) => {
  const bench = new Bench(t);
  bench.find('web');
  const told = bench.waitFor('web');
  bench.destinations.apply('web:80', resource('one'));
  bench.destinations.apply('web:80', resource('two'));
  assert.equal(bench.find('web'), 'two');
  assert.deepEqual(told, ['one'], 'told once');
  assert.deepEqual(
    bench.live.map(({ service }) => service),
    ['two'],
  );
});

test('Destinations refuses a bad version with its reason and keeps the old one', (t) => {
  const bench = new Bench(t);
  bench.find('web');
  bench.destinations.apply('web:80', resource('web'));
  assert.equal(bench.destinations.apply('web:80', resource(BAD)), 'it is bad');
  assert.equal(bench.find('web'), 'web');
  assert.equal(bench.live.length, 1);
});

test('Destinations ignores updates of what it did not ask for', (t) => {
  const bench = new Bench(t);
  assert.equal(bench.destinations.apply('web:80', resource('web')), undefined);
  bench.destinations.applyNoSuchService('web:80', 'no');
  assert.deepEqual([bench.live, bench.destinations.size], [[], 0]);
});

test('Destinations answers 503 after the discovery time, and serves a late answer', (t) => {
  const bench = new Bench(t);
  bench.find('web');
  const told = bench.waitFor('web');
  bench.wait(timeouts.discoveryTimeoutMs - 100);
  assert.deepEqual(told, []);
  bench.wait(200);
  assert.deepEqual(told, ['discovery-timeout']);
  assert.equal(bench.find('web'), 'discovery-timeout');
  bench.destinations.apply('web:80', resource('web'));
  assert.equal(bench.find('web'), 'web');
  bench.wait(2 * timeouts.discoveryTimeoutMs);
  assert.equal(bench.find('web'), 'web');
});

test('Destinations gives "no such service" where nothing may fall back', (t) => {
  const fixed = new Bench(t);
  fixed.find('web', false);
  const told = fixed.waitFor('web');
  fixed.destinations.applyNoSuchService('web:80', 'There is no web.');
  assert.deepEqual(told, ['no-such-service']);
  const found = fixed.destinations.find(target('web'), false);
  assert.ok(found instanceof MeshError);
  assert.equal(found.sentence, 'There is no web.');
  fixed.destinations.apply('web:80', resource('web'));
  assert.equal(fixed.find('web'), 'web', 'until there is one');
  const noDns = new Bench(t, { dns: false });
  noDns.find('web', true);
  noDns.destinations.applyNoSuchService('web:80', 'no');
  assert.equal(noDns.find('web', true), 'no-such-service');
  assert.deepEqual(fixed.asked, []);
});

const REDIRECTED: Target = { originalDst: '192.0.2.1:80', authority: undefined, port: 80 };

test('Destinations sends a redirected connection where it was going, unless the address is known', (t) => {
  const bench = new Bench(t);
  const { destinations } = bench;
  const found = (): string => {
    const known = destinations.find(REDIRECTED, false);
    return known instanceof MeshError ? known.code : (known?.authority ?? 'asked');
  };
  assert.deepEqual([found(), bench.subscribed], ['asked', ['192.0.2.1:80']]);
  destinations.applyNoSuchService('192.0.2.1:80', 'nobody has it', 'opaque');
  assert.deepEqual([found(), bench.live.length], ['192.0.2.1:80', 1]);
  destinations.apply('192.0.2.1:80', resource('web'));
  assert.deepEqual([found(), bench.live.length], ['web:80', 1]);
  destinations.applyNoSuchService('192.0.2.1:80', 'it has gone');
  assert.deepEqual([found(), bench.live.length, bench.asked], ['192.0.2.1:80', 1, []]);
});

test('Destinations alone sends a redirected connection where it was going, or where it was told', (t) => {
  const bench = new Bench(t, { controlled: false });
  const given = { originalDst: '10.96.0.1:80', authority: undefined, port: 80 };
  bench.destinations.install(target('10.96.0.1:80'), resource('web'), false);
  const names = [REDIRECTED, given].map((one) => {
    const found = bench.destinations.find(one, false);
    return found instanceof MeshError ? found.code : found?.authority;
  });
  assert.deepEqual([names, bench.asked], [['192.0.2.1:80', 'web:80'], []]);
});

test('Destinations asks the fallback only after the explicit word of the controller', (t) => {
  const bench = new Bench(t);
  bench.find('web');
  const told = bench.waitFor('web');
  assert.deepEqual(bench.asked, []);
  bench.destinations.applyNoSuchService('web:80', 'no');
  assert.deepEqual(
    bench.asked.map(({ name }) => name),
    ['web'],
  );
  assert.deepEqual(told, []);
  bench.answer(resource('found'));
  assert.deepEqual(told, ['found']);
});

test('Destinations alone asks the fallback at once, or knows no service', (t) => {
  const bench = new Bench(t, { controlled: false });
  assert.equal(bench.find('web'), undefined);
  bench.answer(resource('found'));
  assert.equal(bench.find('web'), 'found');
  assert.equal(bench.find('fixed', false), 'no-such-service');
  const noDns = new Bench(t, { controlled: false, dns: false });
  assert.equal(noDns.find('web'), 'no-such-service');
});

test('Destinations asks the fallback again when its answer is stale, and serves on meanwhile', (t) => {
  const bench = new Bench(t, { controlled: false });
  bench.find('web');
  bench.answer(resource('one'), 30_000);
  bench.wait(30_000);
  assert.equal(bench.find('web'), 'one');
  assert.equal(bench.asked.length, 1);
  bench.wait(100);
  assert.equal(bench.find('web'), 'one');
  assert.equal(bench.find('web'), 'one');
  assert.equal(bench.asked.length, 2, 'one question at a time');
  bench.answer(resource('two'), 30_000);
  assert.equal(bench.find('web'), 'two');
  assert.equal(bench.live.length, 1);
});

test("Destinations keeps a fallback's failure for its own time", (t) => {
  const bench = new Bench(t, { controlled: false });
  bench.find('web');
  bench.answer(new MeshError('no-such-service', 'proxy', 'no'), 5_000);
  bench.wait(5_000);
  assert.equal(bench.find('web'), 'no-such-service');
  assert.equal(bench.asked.length, 1);
  bench.wait(100);
  bench.find('web');
  assert.equal(bench.asked.length, 2);
  bench.answer(resource('there'));
  assert.equal(bench.find('web'), 'there');
});

test('Destinations leaves the time of a name service to the name service', (t) => {
  const bench = new Bench(t);
  bench.find('web');
  bench.wait(timeouts.discoveryTimeoutMs - 500);
  const told = bench.waitFor('web');
  bench.destinations.applyNoSuchService('web:80', 'no');
  bench.wait(1_000);
  assert.deepEqual(told, [], 'the controller has answered');
  bench.answer(new MeshError('deadline-passed', 'upstream', 'slow'));
  assert.deepEqual(told, ['deadline-passed']);
});

test("Destinations prefers the controller's later word to the fallback's late answer", (t) => {
  const bench = new Bench(t);
  bench.find('web');
  bench.destinations.applyNoSuchService('web:80', 'no');
  bench.destinations.apply('web:80', resource('service'));
  bench.answer(resource('from DNS'));
  assert.equal(bench.find('web'), 'service');
  bench.wait(60_000);
  assert.equal(bench.find('web'), 'service');
  assert.equal(bench.asked.length, 1, 'a service is not looked up again');
});

test('Destinations forgets what is idle, unsubscribes, and asks anew', (t) => {
  const bench = new Bench(t);
  for (const name of ['idle', 'busy']) {
    bench.find(name);
    bench.destinations.apply(`${name}:80`, resource(name));
  }
  for (let minute = 0; minute < 7; minute++) {
    bench.wait(60_000);
    bench.find('busy');
  }
  assert.deepEqual(bench.unsubscribed, ['idle:80']);
  assert.deepEqual(
    bench.live.map(({ service }) => service),
    ['busy'],
  );
  assert.equal(bench.destinations.size, 1);
  assert.equal(bench.find('idle'), undefined);
  assert.deepEqual(bench.subscribed, ['idle:80', 'busy:80', 'idle:80']);
});

test('Destinations asks anew about a forgotten target that a listener stands for', (t) => {
  const bench = new Bench(t);
  const fixed = target('web');
  bench.destinations.find(fixed, false);
  bench.destinations.apply('web:80', resource('web'));
  assert.equal(wordOf(bench.destinations.find(fixed, false)), 'web');
  bench.wait(timeouts.destinationIdleMs + 120_000);
  assert.equal(bench.destinations.find(fixed, false), undefined);
  assert.equal(bench.subscribed.length, 2);
});

test("Destinations drops a fallback's answer about what it has forgotten", (t) => {
  const bench = new Bench(t, { controlled: false });
  bench.find('web');
  bench.wait(timeouts.destinationIdleMs + 120_000);
  assert.equal(bench.destinations.size, 0);
  bench.answer(resource('late'));
  assert.deepEqual(bench.live, []);
});

test('Destinations keeps what was installed, however long it is idle', (t) => {
  const bench = new Bench(t, { controlled: false, dns: false });
  bench.destinations.install(target('web'), resource('any'), true);
  bench.destinations.install(target('api:81'), resource('one'), false);
  const foundAll = (): (string | undefined)[] =>
    ['web', 'web:8080', 'api:81', 'api', 'api:82'].map((name) => bench.find(name));
  const all = ['any', 'any', 'one', 'no-such-service', 'no-such-service'];
  assert.deepEqual(foundAll(), all);
  bench.wait(3 * timeouts.destinationIdleMs);
  assert.deepEqual(foundAll(), all);
  assert.equal(bench.live.length, 2);
});

test('Destinations installs nothing bad', (t) => {
  const bench = new Bench(t);
  assert.throws(() => bench.destinations.install(target('a'), resource(BAD), false), /it is bad/);
});

test('Destinations refuses more than its limit, and knows the others on', (t) => {
  const bench = new Bench(t, { controlled: false, dns: false });
  for (let i = 0; i < limits.destinationsMax; i++) bench.find(`web-${i}`);
  assert.equal(bench.find('one-more'), 'overloaded');
  assert.deepEqual(bench.waitFor('one-more'), ['overloaded']);
  assert.equal(bench.find('web-0'), 'no-such-service');
  assert.equal(bench.destinations.size, limits.destinationsMax);
});

test('Destinations keeps an answer that worked when the name service fails, until it answers', (t) => {
  const bench = new Bench(t);
  bench.find('web');
  bench.destinations.applyNoSuchService('web:80', 'no');
  bench.answer(resource('here'), 1_000);
  bench.wait(1_100);
  assert.equal(bench.find('web'), 'here');
  for (const code of ['dns-failed', 'deadline-passed'] as const) {
    bench.answer(new MeshError(code, 'upstream', 'down'), 500);
    assert.equal(bench.find('web'), 'here', code);
    // It is asked again only when the failure is stale too.
    const { length } = bench.asked;
    bench.wait(600);
    bench.find('web');
    assert.equal(bench.asked.length, length + 1);
  }
  bench.answer(new MeshError('no-such-service', 'upstream', 'gone'), 500);
  assert.equal(bench.find('web'), 'no-such-service');
});

test('Destinations that is full forgets addresses of nobody that were not used lately, and nothing else', (t) => {
  const before = limits.destinationsMax;
  limits.destinationsMax = 4;
  t.after(() => (limits.destinationsMax = before));
  const bench = new Bench(t);
  const ask = (host: string): Found | undefined => {
    bench.wait(100);
    return bench.destinations.find(address(host), false);
  };
  const knows = (...hosts: readonly string[]): readonly boolean[] =>
    hosts.map((host) => bench.destinations.knows(`${host}:80`));
  for (const host of ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']) ask(host);
  bench.destinations.apply('10.0.0.1:80', resource('a-service'));
  bench.destinations.applyNoSuchService('10.0.0.2:80', 'of nobody');
  bench.destinations.applyNoSuchService('10.0.0.3:80', 'of nobody');
  bench.destinations.whenFound(address('10.0.0.4'), () => undefined);
  ask('10.0.0.2');
  ask('10.0.0.5');
  assert.deepEqual(bench.unsubscribed, ['10.0.0.3:80'], 'the other was used');
  ask('10.0.0.6');
  assert.deepEqual(bench.unsubscribed, ['10.0.0.3:80', '10.0.0.2:80']);
  assert.deepEqual(knows('10.0.0.1', '10.0.0.4', '10.0.0.5'), [true, true, true]);
  const refused = ask('10.0.0.7');
  assert.ok(refused instanceof MeshError && refused.code === 'overloaded', 'all are needed');
});
