import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalQuantile, studentTQuantile } from './student-t.ts';

// Critical values as every table of Student's t prints them.
const TABLE: readonly (readonly [p: number, degrees: number, t: number])[] = [
  [0.975, 1, 12.706],
  [0.975, 2, 4.303],
  [0.975, 9, 2.262],
  [0.975, 30, 2.042],
  [0.95, 7, 1.895],
  [0.9995, 1, 636.619],
  [0.9995, 7, 5.408],
  [0.9995, 10, 4.587],
  [0.9995, 60, 3.46],
  [0.9995, 1_000, 3.3],
];
for (const [p, degrees, t] of TABLE) {
  test(`studentTQuantile at ${p} with ${degrees} degrees is ${t}`, () => {
    assert.ok(Math.abs(studentTQuantile(p, degrees) - t) < 6e-4);
    assert.ok(Math.abs(studentTQuantile(1 - p, degrees) + t) < 6e-4);
  });
}

test('normalQuantile is as tables print it', () => {
  for (const [p, z] of [
    [0.5, 0],
    [0.841345, 1],
    [0.975, 1.959964],
    [0.9995, 3.290527],
    [0.001, -3.090232],
  ] as const) {
    assert.ok(Math.abs(normalQuantile(p) - z) < 5e-6, `${p}: ${normalQuantile(p)}`);
  }
});

test("Student's t comes close to the normal with many degrees", () => {
  assert.ok(Math.abs(studentTQuantile(0.99, 100_000) - normalQuantile(0.99)) < 1e-4);
});
