/** The controller's process: settings, start, the ready line, and a clean end. */
import { flushCompileCache } from 'node:module';

import { Log } from '../base/log.ts';
import { settingsOrExit } from '../base/settings.ts';
import { Controller } from './controller.ts';
import { CONTROLLER_SETTINGS, USAGE, checkSettings } from './settings.ts';
import { FilesSource } from './sources/files.ts';

const settings = settingsOrExit(USAGE, CONTROLLER_SETTINGS, checkSettings);
const log = new Log('controller', settings.logLevel);
const source = new FilesSource({ paths: settings.resources, now: Date.now });
const machine = { now: Date.now, random: Math.random };
const controller = new Controller(settings, source, log, machine);

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => void stop(signal));
}

async function stop(signal: string): Promise<void> {
  // A second signal does not wait.
  if (stopping) process.exit(1);
  stopping = true;
  log.info('stops', { signal });
  await controller.stop();
  process.exit(0);
}

try {
  const addresses = await controller.start();
  process.stdout.write(`${JSON.stringify({ event: 'ready', ...addresses, pid: process.pid })}\n`);
  log.info('ready', { ...addresses });
  flushCompileCache();
} catch (error) {
  log.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
