import assert from 'node:assert/strict';
import { test } from 'node:test';

const MODULE = './tcp-handle.ts';

interface Bindings {
  binding: ((name: string) => object) | undefined;
}

for (const [what, other, sentence] of [
  ['has no bindings', undefined, /no bindings/],
  ['lacks methods of connections', { tcp_wrap: { TCP: Object } }, /no readStart, readStop/],
  ['lacks results', { stream_wrap: { streamBaseState: new Int32Array(0) } }, /no results/],
  ['lacks requests', { stream_wrap: { ShutdownWrap: undefined } }, /no requests/],
] as const) {
  test(`tcp-handle does not load on a runtime that ${what}`, async (t) => {
    const bindings = process as unknown as Bindings;
    const { binding } = bindings;
    t.after(() => {
      bindings.binding = binding;
    });
    const differs = other as Record<string, object> | undefined;
    bindings.binding =
      differs === undefined ? undefined : (name) => ({ ...binding?.(name), ...differs[name] });
    await assert.rejects(import(`${MODULE}?${encodeURIComponent(what)}`), sentence);
  });
}

test('tcp-handle loads on this runtime without a warning', async (t) => {
  const warned: string[] = [];
  const hear = ({ message }: Error): void => void warned.push(message);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  await import(`${MODULE}?again`);
  await new Promise(setImmediate);
  assert.deepEqual(warned, []);
});
