/** `fault-client.ts FAULT_CALLS`: makes the calls, all at once; prints the outcomes on one line. */
import { connect } from 'node:net';
import type { FaultCall, FaultOutcome } from './faults.ts';

function outcomeOf({ host, patienceMs, port, request }: FaultCall): Promise<FaultOutcome> {
  const { promise, resolve } = Promise.withResolvers<FaultOutcome>();
  const sinceMs = performance.now();
  let connected = false;
  let heard = false;
  const socket = connect(port, host);
  const timer = setTimeout(() => end('gave up'), patienceMs);
  const end = (how: string): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve({ connected, heard, end: how, ms: Math.round(performance.now() - sinceMs) });
  };
  socket.once('connect', () => {
    connected = true;
    if (request !== '') socket.write(request);
  });
  socket.on('data', () => (heard = true));
  socket.once('end', () => end('closed'));
  socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  return promise;
}

const calls = JSON.parse(process.argv[2] ?? '[]') as readonly FaultCall[];
process.stdout.write(`${JSON.stringify(await Promise.all(calls.map(outcomeOf)))}\n`);
