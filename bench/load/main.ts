/**
 * The generator's process: says that it is ready, then answers each LoadPlan line on stdin with a
 * LoadReply line on stdout, until stdin ends. It stays for many plans, so that its code is
 * compiled; a run blocks it.
 */
import { dieWithParent } from './libc.ts';
import { answerPlans } from './answer-plans.ts';
import { runPlan } from './run.ts';

// Its starter kills it on time; should the starter die first, no load may go on.
dieWithParent();
await answerPlans(runPlan);
