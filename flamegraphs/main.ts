/**
 * `npm run flamegraph`: where the time of a sidecar goes, or its garbage comes from, as a page to
 * zoom into. flamegraphs/README.md tells how to read one.
 */
import { EXIT_USAGE } from '../base/settings.ts';
import { type Command, help, readCommandLine } from './command-line.ts';
import { diff } from './diff.ts';
import { makeGallery } from './gallery.ts';
import { readSource } from './read/source.ts';
import { recordScenario } from './record/scenario.ts';
import type { FlamegraphSettings } from './settings.ts';
import { slugOf, writeRecording } from './write.ts';

const say = (what: string): void => void process.stderr.write(`${what}\n`);

const line = readCommandLine(process.argv.slice(2), process.env);
if ('problems' in line) {
  say(line.problems.join('\n'));
  process.exitCode = EXIT_USAGE;
} else {
  try {
    await run(line.command, line.settings);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

async function run(command: Command, settings: FlamegraphSettings): Promise<void> {
  const wish = {
    kind: settings.alloc ? 'allocations' : 'cpu',
    seconds: settings.seconds,
    phase: settings.phase,
    arm: settings.arm,
    tries: settings.tries,
  } as const;
  switch (command.do) {
    case 'help':
      process.stdout.write(help());
      break;
    case 'record': {
      const { scenario } = command;
      const recording = await recordScenario(scenario, wish, say);
      writeRecording(recording, settings, slugOf(scenario.name, wish.kind));
      break;
    }
    case 'show': {
      const recording = await readSource(command.source, wish);
      writeRecording(recording, settings, slugOf(recording.title, recording.kind));
      break;
    }
    case 'diff': {
      // Together: of two live sidecars both are recorded in the same seconds.
      const [before, now] = await Promise.all([
        readSource(command.before, wish),
        readSource(command.now, wish),
      ]);
      const compared = diff(before, now);
      writeRecording(compared, settings, 'diff');
      break;
    }
    case 'gallery':
      await makeGallery(command.scenarios, wish, say);
  }
}
