/** Answers of the admin server that are dear to find, on the thread that hears the controller too. */

/** Nobody who looks by hand sees the difference. */
const KEPT_MS_MIN = 1_000;
/** However long it takes to find one, the thread is left nineteen times as long for others. */
const SHARE_MAX = 0.05;

/**
 * `find`, but who asks again soon is told what was found last: within a second, or within twenty times what
 * finding it took. So it takes a twentieth of the thread's time at the most, whoever asks and however often.
 */
export function keepAnswer<Answer>(
  find: () => Answer,
  nowMs: () => number = () => performance.now(),
): () => Answer {
  let kept: { readonly answer: Answer; readonly untilMs: number } | undefined;
  return () => {
    const beganMs = nowMs();
    if (kept === undefined || beganMs >= kept.untilMs) {
      const answer = find();
      const tookMs = nowMs() - beganMs;
      kept = { answer, untilMs: beganMs + Math.max(KEPT_MS_MIN, tookMs / SHARE_MAX) };
    }
    return kept.answer;
  };
}
