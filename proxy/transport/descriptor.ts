/** Copies of descriptors: the one thing that listening on several threads needs and Node lacks. */

interface SystemCalls {
  readonly dup: (descriptor: number) => number;
}

let systemCalls: SystemCalls | undefined;

/**
 * Loaded by the first call: a thread that binds its addresses itself does without. `null` is the
 * program itself, which is linked with the C library wherever Node runs.
 */
function loadSystemCalls(): SystemCalls {
  const emitWarning = process.emitWarning.bind(process);
  // That node:ffi is experimental is known (docs/decisions/007) and no news to who runs a proxy.
  process.emitWarning = () => undefined;
  const { dlopen } = process.getBuiltinModule('node:ffi');
  process.emitWarning = emitWarning;
  const { functions } = dlopen(null, { dup: { arguments: ['i32'], return: 'i32' } });
  return functions;
}

/** A new descriptor of the same open socket (dup(2)); throws when there is none to be had. */
export function duplicateDescriptor(descriptor: number): number {
  systemCalls ??= loadSystemCalls();
  const copy = systemCalls.dup(descriptor);
  if (copy === -1) throw new Error(`descriptor ${descriptor} cannot be copied`);
  return copy;
}
