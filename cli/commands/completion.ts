import { parseSocketAddress } from '../../base/settings.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { completionScript } from '../completion/completion-script.ts';
import type { Shell } from '../completion/completion-script.ts';
import type { CommandShape } from '../completion/command-shape.ts';
import { meshWords } from '../completion/mesh-words.ts';
import { readTypedLine } from '../completion/typed-line.ts';
import type { MeshApi } from '../mesh-api.ts';
import type { Output } from '../output.ts';

/** `meshctl completion SHELL`. */
export function runCompletion(shell: Shell, program: CommandShape, output: Output): void {
  output.out(completionScript(shell, program));
}

/** Runs `use` with a connection to the API at the address. */
export type ApiUse = <T>(address: SocketAddress, use: (api: MeshApi) => Promise<T>) => Promise<T>;

/**
 * `meshctl completion-words -- WORDS`: for the scripts, what the last word, not complete, can become,
 * one a line. The API is the one the line names; rejects when it does not answer.
 */
export async function runCompletionWords(
  words: readonly string[],
  program: CommandShape,
  { withApi, apiDefault }: { readonly withApi: ApiUse; readonly apiDefault: SocketAddress },
  output: Output,
): Promise<void> {
  const line = readTypedLine(program, words);
  const address = parseSocketAddress(line.options.get('--api') ?? '') ?? apiDefault;
  const found = await withApi(address, (api) => meshWords(api, line, words.at(-1) ?? ''));
  output.out(found.map((word) => `${word}\n`).join(''));
}
