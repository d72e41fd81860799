import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Screen, fitLines } from './screen.ts';

/** A terminal of 20 by 3 that remembers what was written. */
function terminal() {
  let resized: (() => void) | undefined;
  const size = {
    columns: 20,
    rows: 3,
    onResize: (callback: () => void) => {
      resized = callback;
      return () => (resized = undefined);
    },
  };
  const written: string[] = [];
  const screen = new Screen(size, (text) => written.push(text));
  return { size, written, screen, resize: () => resized?.(), listens: () => resized !== undefined };
}

test('Screen enters the alternate screen without a cursor, and undoes both', () => {
  const { screen, written, listens } = terminal();
  screen.draw('a\nb\n');
  screen.close();
  assert.deepEqual(written, [
    '\u001B[?1049h\u001B[?25l',
    '\u001B[Ha\u001B[K\nb\u001B[K\u001B[J',
    '\u001B[?25h\u001B[?1049l',
  ]);
  assert.equal(listens(), false);
});

test('Screen draws again when the terminal changes its size', () => {
  const { screen, size, written, resize } = terminal();
  screen.draw('one two\n');
  size.columns = 3;
  resize();
  assert.equal(written.at(-1), '\u001B[Hone\u001B[K\u001B[J');
  screen.close();
});

test('fitLines cuts what is too wide, and says how many lines are too many', () => {
  assert.deepEqual(fitLines('1\n2\n3\n', 20, 3), ['1', '2', '3']);
  assert.deepEqual(fitLines('1\n2\n3\n4\n', 20, 3), ['1', '2', '… 2 more lines']);
  assert.deepEqual(fitLines('123456\n', 4, 3), ['1234']);
  assert.deepEqual(fitLines('1\n2\n', 0, 0), ['1', '2']);
});
