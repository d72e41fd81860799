/**
 * What `meshctl dev` and those who ask it say to each other on its control socket: a line of JSON
 * each. One question a connection; progress comes until the answer, which ends it.
 */
import { JsonView } from '../diagnostics/json-view.ts';
import type { RestartRequest } from './rollouts.ts';

/** Longest line that is read. */
export const LINE_CHARS_MAX = 64 * 1_024;

/** To `dev`. */
export type Question = { readonly do: 'restart' } & RestartRequest;

/** From `dev`. */
export type Answer =
  | { readonly progress: string }
  | { readonly failed: string }
  /** Pods as the ready line of `dev -o json` has them. */
  | { readonly done: readonly object[] };

/** A line with its end. */
export const lineOf = (message: Question | Answer): string => `${JSON.stringify(message)}\n`;

/** Undefined when the line is no question. */
export function readQuestion(line: string): Question | undefined {
  const view = viewOf(line);
  const deployment = view.at('deployment').text;
  if (view.at('do').text !== 'restart' || deployment === undefined) return undefined;
  return { do: 'restart', deployment, namespace: view.at('namespace').text };
}

/** Undefined when the line is no answer. */
export function readAnswer(line: string): Answer | undefined {
  const view = viewOf(line);
  const progress = view.at('progress').text;
  if (progress !== undefined) return { progress };
  const failed = view.at('failed').text;
  if (failed !== undefined) return { failed };
  const done = view.at('done').items;
  return view.at('done').isArray ? { done: done.map(({ object }) => object) } : undefined;
}

function viewOf(line: string): JsonView {
  try {
    return new JsonView(JSON.parse(line));
  } catch {
    return new JsonView(undefined);
  }
}
