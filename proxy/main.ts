/** The sidecar's process: settings, the proxy, the ready line, signals. */
import { flushCompileCache } from 'node:module';
import { Log } from '../base/log.ts';
import { settingsOrExit } from '../base/settings.ts';
import { ProxyProcess } from './proxy-process.ts';
import { PROXY_SETTINGS, USAGE, checkSettings } from './settings.ts';

const settings = settingsOrExit(USAGE, PROXY_SETTINGS, checkSettings);
const log = new Log('proxy', settings.logLevel);
const proxy = newProxy();

/** The second signal does not wait for anybody. */
let signals = 0;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (++signals > 1) process.exit(1);
    log.info('drains', { signal });
    proxy.drain();
  });
}

function newProxy(): ProxyProcess {
  try {
    return new ProxyProcess(settings, log);
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
    return process.exit(1);
  }
}

proxy
  .run((addresses) => {
    process.stdout.write(`${JSON.stringify({ event: 'ready', ...addresses, pid: process.pid })}\n`);
    flushCompileCache();
  })
  .then(
    () => process.exit(0),
    (error: unknown) => {
      log.error(error instanceof Error ? error.message : String(error));
      process.exit(1);
    },
  );
