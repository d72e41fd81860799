import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { StatSummaryResponse } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { messageOf } from '../failure.ts';
import type { MeshApi } from '../mesh-api.ts';
import { formatJson } from '../output.ts';
import type { Output } from '../output.ts';
import { Screen } from '../render/screen.ts';
import { statJson } from '../stat/stat-json.ts';
import type { StatQuestion, StatQuestionOptions } from '../stat/stat-question.ts';
import { statText } from '../stat/stat-text.ts';

/** What the user asked of `stat`. */
export interface StatOptions extends StatQuestionOptions {
  readonly output: 'table' | 'wide' | 'json';
}

type Answers = readonly StatSummaryResponse[];

/** One answer a request; a `Failure` when one asks for what is not there. */
async function ask(
  api: Pick<MeshApi, 'statSummary'>,
  { requests, allKinds }: StatQuestion,
  { allNamespaces, namespace }: StatOptions,
): Promise<Answers> {
  const answers = await Promise.all(requests.map((request) => api.statSummary(request)));
  if (!allKinds || allNamespaces) return answers;
  // Namespaces lie in none: among all kinds of one namespace only this one belongs.
  return answers.map((answer) => ({ ...answer, rows: answer.rows.filter(isOf(namespace)) }));
}

const isOf =
  (namespace: string) =>
  (row: StatSummaryResponse['rows'][number]): boolean =>
    row.kind !== ResourceKind.RESOURCE_KIND_NAMESPACE || row.name === namespace;

/** `meshctl stat`, once. */
export async function runStat(
  api: Pick<MeshApi, 'statSummary'>,
  question: StatQuestion,
  options: StatOptions,
  output: Output,
): Promise<void> {
  const answers = await ask(api, question, options);
  output.out(
    options.output === 'json'
      ? formatJson(answers.flatMap(statJson))
      : statText(answers, question, options),
  );
}

/** Where samples and failures of a watch go. */
interface Display {
  readonly show: (answers: Answers) => void;
  readonly fail: (message: string) => void;
  readonly close: () => void;
}

/**
 * `meshctl stat --watch`: again at each tick until `stop` aborts or the ticks end. A terminal is
 * redrawn; else each sample follows the last, one line of JSON each with `-o json`. Fails when the
 * first call fails; later the sentence is shown and the next tick tries.
 */
export async function watchStat(
  api: Pick<MeshApi, 'statSummary'>,
  question: StatQuestion,
  options: StatOptions,
  output: Output,
  { ticks, stop }: { readonly ticks: AsyncIterable<unknown>; readonly stop: AbortSignal },
): Promise<void> {
  const stopped = new Promise<undefined>((resolve) => {
    if (stop.aborted) resolve(undefined);
    else stop.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  // A question under way is not waited for: its answer or failure is nobody's any more.
  const sample = (): Promise<Answers | undefined> =>
    Promise.race([ask(api, question, options), stopped]);
  const first = await sample();
  if (first === undefined) return;
  const display = openDisplay(question, options, output);
  try {
    display.show(first);
    for await (const _ of ticks) {
      try {
        const answers = await sample();
        if (answers === undefined) return;
        display.show(answers);
      } catch (error) {
        display.fail(messageOf(error));
      }
    }
  } finally {
    display.close();
  }
}

const nothingToClose = (): void => {};

function openDisplay(question: StatQuestion, options: StatOptions, output: Output): Display {
  const fail = (message: string): void => output.err(`${message}\n`);
  if (options.output === 'json') {
    const show = (answers: Answers): void =>
      output.out(`${JSON.stringify(answers.flatMap(statJson))}\n`);
    return { show, fail, close: nothingToClose };
  }
  const { terminal } = output;
  if (terminal === undefined) {
    const show = (answers: Answers): void =>
      output.out(`${statText(answers, question, options)}\n`);
    return { show, fail, close: nothingToClose };
  }
  const screen = new Screen(terminal, output.out);
  let last = '';
  return {
    show: (answers) => screen.draw((last = statText(answers, question, options))),
    // The last figures stay in sight, with the reason why they are the last.
    fail: (message) => screen.draw(`${message}\n\n${last}`),
    close: () => screen.close(),
  };
}
