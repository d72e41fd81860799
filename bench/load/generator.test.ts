import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, withDeadline } from '../../test/support/deadline.ts';
import { quantilesMs } from '../../test/support/known-delays.ts';
import { loadPlan } from '../../test/support/load-plan.ts';
import { PeerServer, unusedPort, type PeerLink } from '../../test/support/scripted-peer.ts';
import { Generator } from './generator.ts';
import type { LoadPlan, LoadResult } from './plan.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const skip = process.platform === 'linux' ? false : 'the generator needs Linux';

/** The head of the next request, its lines. */
async function takeHead(link: PeerLink): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = (await link.takeLine()).toString().trimEnd();
    if (line === '') return lines;
    lines.push(line);
  }
}

/** Ends the connection when a request came. */
async function closing(link: PeerLink): Promise<void> {
  await takeHead(link);
  link.destroy();
}

/** Answers each request after 50 ms: some 40 in the time of a drain. */
async function slow(link: PeerLink): Promise<void> {
  for (;;) {
    await takeHead(link);
    await pause(50);
    await link.send(OK);
  }
}

/** Ends a connection that asked once and not again within 20 ms. */
async function endingIdle(link: PeerLink): Promise<void> {
  await takeHead(link);
  await link.send(OK);
  const again = takeHead(link);
  if ((await Promise.race([again, pause(20, undefined)])) === undefined) {
    link.destroy();
    return;
  }
  for (;;) {
    await link.send(OK);
    await takeHead(link);
  }
}

/** Answers each request with what `answer` gives for it and its number, until a link ends. */
function answering(answer: (n: number, head: string[], link: PeerLink) => string) {
  let n = 0;
  return async (link: PeerLink): Promise<void> => {
    for (;;) {
      const head = await takeHead(link);
      await link.send(answer(n++, head, link));
    }
  };
}

/** Field 41 of proc_pid_stat(5): "0" is the usual policy, "1" is first in, first out. */
const schedulingPolicy = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')[38] ?? '';

const errorsOf = ({ errors }: LoadResult): number =>
  Object.values(errors).reduce((sum, count) => sum + count, 0);

suite('Generator', { skip }, () => {
  let generator: Generator;
  before(async () => {
    generator = await Generator.start(undefined);
  });
  after(() => generator.stop());

  /** Loads a server that follows `script`. */
  async function runAgainst(
    script: (link: PeerLink) => unknown,
    changes: Partial<LoadPlan>,
    look?: (server: PeerServer, result: LoadResult) => unknown,
  ): Promise<LoadResult> {
    await using server = await PeerServer.listen(script, { record: false });
    const { port } = server;
    const result = await generator.run(loadPlan({ host: '127.0.0.1', port }, changes));
    await look?.(server, result);
    assert.deepEqual(server.failures, []);
    return result;
  }

  test('says that nothing listens', async () => {
    const to = { host: '127.0.0.1', port: await unusedPort() };
    const run = generator.run(loadPlan(to));
    // At once: long before the 30 s that connections may take to answer.
    await assert.rejects(withDeadline('a refusal', run), /does not answer: dial ECONNREFUSED/);
  });

  test('says that a plan is bad, that a watched process is gone', async () => {
    const to = { host: '127.0.0.1', port: 1 };
    await assert.rejects(generator.run(loadPlan(to, { connections: 0 })), /bad plan: connections/);
    await assert.rejects(generator.run(loadPlan(to, { watch: [4_194_305] })), /4194305.*is gone/);
    await assert.rejects(
      generator.run(loadPlan({ host: 'localhost', port: 1 })),
      /not an IP address/,
    );
  });

  for (const [what, answer, reason] of [
    ['no HTTP', 'hello there, this is no HTTP\r\n\r\n', /malformed/],
    ['more than was asked for', `${OK}${OK}`, /malformed/],
  ] as const) {
    test(`says that the server answers with ${what}`, async () => {
      await assert.rejects(
        runAgainst(
          answering(() => answer),
          {},
        ),
        reason,
      );
    });
  }

  test('says that the server ends connections without an answer', async () => {
    await assert.rejects(runAgainst(closing, {}), /does not answer: closed/);
  });

  test('asks at a fixed rate, and counts what fell due in the window', async () => {
    const result = await runAgainst(
      answering(() => OK),
      { arrival: { kind: 'fixed', perSecond: 500 }, connections: 20, durationMs: 400 },
    );
    assert.equal(result.due, 200);
    assert.equal(result.sent, 200);
    assert.equal(result.answered, 200);
    assert.deepEqual(result.errors, {});
    // The window ends when it should, and begins when a busy machine lets it.
    assert.ok(Math.abs(result.wallUs - 400_000) < 100_000, `${result.wallUs} us`);
  });

  test('draws the same arrivals from the same seed', async () => {
    const arrival = { kind: 'poisson', perSecond: 400 } as const;
    const counts: number[] = [];
    for (const seed of [5, 5, 6]) {
      const changes = { arrival, connections: 10, durationMs: 250, seed };
      counts.push(
        (
          await runAgainst(
            answering(() => OK),
            changes,
          )
        ).due,
      );
    }
    assert.equal(counts[0], counts[1]);
    assert.notEqual(counts[0], counts[2]);
  });

  test('asks for each shape by its weight, with its body', async () => {
    const seen: Record<string, number> = {};
    const script = async (link: PeerLink) => {
      for (;;) {
        const head = await takeHead(link);
        const line = head[0] ?? '';
        seen[line] = (seen[line] ?? 0) + 1;
        assert.ok(head.includes('Host: web'));
        const length = Number(head.find((each) => each.startsWith('Content-Length: '))?.slice(16));
        if (length > 0) {
          const body = await link.take(length);
          assert.ok(body.every((byte) => byte === 120));
        }
        await link.send(OK);
      }
    };
    const result = await runAgainst(script, {
      requests: [
        { method: 'GET', path: '/a?b=c', bodyBytes: 0, weight: 3, answerBytes: 2 },
        // More than a socket's buffers hold: it leaves in pieces.
        { method: 'POST', path: '/up', bodyBytes: 9_000_000, weight: 1, answerBytes: 2 },
      ],
      connections: 2,
      durationMs: 300,
    });
    assert.equal(errorsOf(result), 0);
    const [gets = 0, posts = 0] = [seen['GET /a?b=c HTTP/1.1'], seen['POST /up HTTP/1.1']];
    assert.ok(gets > posts && posts > 0, JSON.stringify(seen));
  });

  test('reads chunked answers in pieces, and large ones', async () => {
    const size = 700_000;
    const chunk = `${size.toString(16)}\r\n${'y'.repeat(size)}\r\n`;
    const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}1\r\nz\r\n0\r\n\r\n`;
    const script = async (link: PeerLink) => {
      for (;;) {
        await takeHead(link);
        await link.sendCut(answer, [5, 30, 60, 100_000, answer.length - 2]);
      }
    };
    const request = { method: 'GET', path: '/', bodyBytes: 0, weight: 1, answerBytes: size + 1 };
    const result = await runAgainst(script, { requests: [{ ...request, method: 'GET' }] });
    assert.ok(result.answered > 0);
    assert.equal(errorsOf(result), 0);
    assert.ok(result.bytesReceived >= result.completed * size);
  });

  test('counts answers of 400 and above, and bodies of another length, as errors', async () => {
    const script = answering((n) =>
      n % 4 === 3
        ? 'HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n'
        : n % 4 === 1
          ? 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nodd'
          : OK,
    );
    const requests = [
      { method: 'GET', path: '/', bodyBytes: 0, weight: 1, answerBytes: 2 },
    ] as const;
    const { answered, sent, errors } = await runAgainst(script, { requests });
    assert.deepEqual(Object.keys(errors).toSorted(), ['body length', 'status 503']);
    assert.equal(answered + errors['status 503']! + errors['body length']!, sent);
    assert.ok(answered > 0);
  });

  test('counts connections that end or are reset under a request, and goes on', async () => {
    let n = 0;
    const script = async (link: PeerLink) => {
      for (;;) {
        await takeHead(link);
        n++;
        if (n % 7 === 0) link.reset();
        else if (n % 5 === 0) {
          await link.send(OK.slice(0, 20));
          link.destroy();
        } else await link.send(OK);
      }
    };
    const { answered, sent, errors } = await runAgainst(script, { connections: 3 });
    assert.deepEqual(Object.keys(errors).toSorted(), ['closed', 'reset']);
    assert.equal(answered + errors['closed']! + errors['reset']!, sent);
    assert.ok(answered > sent / 2);
  });

  test('dials again where the server says "Connection: close"', async () => {
    const script = answering(() => OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    const result = await runAgainst(script, { connections: 2 }, async (server) => {
      assert.ok(server.links.length > 4);
      await eventually('every connection to end', () => server.links.every(({ ended }) => ended));
    });
    assert.equal(errorsOf(result), 0);
    assert.ok(result.answered > 4);
  });

  test('takes a connection for each request when asked to', async () => {
    let requests = 0;
    const script = answering((_, head) => {
      requests++;
      assert.ok(head.includes('Connection: close'));
      return OK;
    });
    const changes = {
      connectionPerRequest: true,
      connections: 4,
      arrival: { kind: 'fixed', perSecond: 300 },
    } as const;
    const result = await runAgainst(script, changes, (server) => {
      assert.equal(server.links.length, requests);
    });
    assert.equal(result.answered, 30);
    // And one before, to know that the server answers.
    assert.equal(requests, 31);
  });

  test('holds idle connections to the end', async () => {
    const result = await runAgainst(
      answering(() => OK),
      { idleConnections: 100, connections: 2 },
      async (server) => {
        assert.equal(server.links.length, 102);
        // All at once, at its end.
        await eventually('every connection to end', () => server.links.every(({ ended }) => ended));
      },
    );
    assert.deepEqual(result.errors, {});
  });

  test('counts idle connections that the server ends', async () => {
    const { errors } = await runAgainst(endingIdle, { idleConnections: 5, connections: 1 });
    assert.equal(errors['idle closed'], 5);
  });

  test('gives up on answers that never come', async () => {
    const script = answering((n) => (n < 30 ? OK : ''));
    const { answered, sent, errors } = await runAgainst(script, { connections: 3, durationMs: 60 });
    assert.deepEqual(errors, { unanswered: 3 });
    assert.equal(answered + 3, sent);
  });

  test('reports a rate that its connections cannot carry', async () => {
    const arrival = { kind: 'fixed', perSecond: 2_000 } as const;
    const { answered, due, errors, sent } = await runAgainst(slow, { arrival });
    assert.ok(sent < due);
    assert.equal(errors['never sent'], due - sent);
    const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
    assert.equal(answered + failed, due);
  });

  test('reports that it was stopped itself', async () => {
    const script = answering((n) => {
      if (n === 60) {
        process.kill(generator.pid, 'SIGSTOP');
        // The time that passes is what is tested: a fifth of the requests fall due in it.
        void pause(100).then(() => process.kill(generator.pid, 'SIGCONT'));
      }
      return OK;
    });
    const changes = {
      arrival: { kind: 'fixed', perSecond: 1_000 },
      connections: 50,
      durationMs: 500,
    } as const;
    const { late, latenessUs } = await runAgainst(script, changes);
    assert.match(late ?? '', /the generator was late/);
    const [p99Ms = 0] = quantilesMs(latenessUs, [0.99]);
    assert.ok(p99Ms > 50, `p99 of lateness ${p99Ms} ms`);
  });

  test('runs open loops at real-time priority where it may, and only those', async () => {
    const policies = new Set<string>();
    const script = answering(() => {
      policies.add(schedulingPolicy(generator.pid));
      return OK;
    });
    const arrival = { kind: 'fixed', perSecond: 300 } as const;
    const { realTime } = await runAgainst(script, { arrival, connections: 9 });
    assert.equal(realTime, policies.has('1'));
    if (process.getuid?.() === 0) assert.ok(realTime);
    assert.equal(schedulingPolicy(generator.pid), '0');
    assert.equal((await runAgainst(script, {})).realTime, false);
  });

  test('reaches IPv6 addresses', async (t) => {
    let server: PeerServer;
    try {
      server = await PeerServer.listen(
        answering(() => OK),
        { host: '::1' },
      );
    } catch {
      return t.skip('this machine has no ::1');
    }
    await using listening = server;
    const result = await generator.run(loadPlan({ host: '::1', port: listening.port }));
    assert.ok(result.answered > 0);
  });

  test('refuses a second run while one is under way', async () => {
    await using server = await PeerServer.listen(answering(() => OK));
    const first = generator.run(loadPlan({ host: '127.0.0.1', port: server.port }));
    const second = generator.run(loadPlan({ host: '127.0.0.1', port: 1 }));
    await assert.rejects(second, /busy with another run/);
    await first;
  });

  test('ends in the middle of a run, which is rejected', async () => {
    const own = await Generator.start(undefined);
    const { pid } = own;
    await using server = await PeerServer.listen(
      answering((n) => {
        if (n === 3) void own.stop();
        return OK;
      }),
    );
    const to = { host: '127.0.0.1', port: server.port };
    await assert.rejects(own.run(loadPlan(to, { durationMs: 20_000 })), /ended with SIGKILL/);
    await own.stop();
    assert.equal(existsSync(`/proc/${pid}`), false);
    await assert.rejects(own.run(loadPlan(to)), /ended with SIGKILL/);
  });

  test('says why it cannot be started', async () => {
    await assert.rejects(Generator.start(4_000), /core 4000.*taskset/s);
  });
});
