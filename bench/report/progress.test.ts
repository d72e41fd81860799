import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from './progress.ts';

class Output {
  readonly isTTY: boolean;
  readonly columns = 40;
  readonly written: string[] = [];
  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }
  write(text: string): void {
    this.written.push(text);
  }
}

test('Progress rewrites one line of a terminal, no wider than it', () => {
  const output = new Output(true);
  let nowMs = 5_000;
  const progress = new Progress(output, 40, () => nowMs);
  progress.say('http1-keepalive, saturation: round 1 of 10');
  nowMs += 30_000;
  progress.advance(10);
  progress.end();
  assert.deepEqual(output.written, [
    '\r\u001B[2K0 % (0 s)  http1-keepalive, saturation:',
    '\r\u001B[2K25 % (30 s, 1 min 30 s left)  http1-kee',
    '\r\u001B[2K',
  ]);
});

test('Progress in a log is a line each 15 s', () => {
  const output = new Output(false);
  let nowMs = 0;
  const progress = new Progress(output, 100, () => nowMs);
  progress.say('a');
  for (; nowMs < 40_000; nowMs += 1_000) progress.advance();
  progress.end();
  assert.deepEqual(output.written, [
    '0 % (0 s)  a\n',
    '16 % (15 s, 1 min 19 s left)  a\n',
    '31 % (30 s, 1 min 7 s left)  a\n',
  ]);
});

test('Progress never passes all', () => {
  const output = new Output(true);
  const progress = new Progress(output, 2, () => 0);
  progress.advance(5);
  assert.match(output.written[0] ?? '', /100 %/);
});
