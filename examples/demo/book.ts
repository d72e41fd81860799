/** One visit to the ledger: hears its greeting, books, says goodbye. */
import { connect } from 'node:net';

const DEADLINE_MS = 10_000;
const END_OF_LINE = '\r\n';

/** Where the ledger is. */
export interface LedgerAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/** What is to be booked. */
export interface Entry {
  readonly parcel: number;
  readonly cents: number;
}

/**
 * Books the entry. `connected` is called once there is a connection. Resolves to why it failed;
 * undefined: it is booked.
 */
export function book(
  { host, port }: LedgerAddress,
  { cents, parcel }: Entry,
  connected: () => void,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  /** What the ledger is to say, and what it is told then. */
  const steps = [
    { code: '220', reply: `BOOK ${parcel} ${cents}` },
    { code: '250', reply: 'QUIT' },
    { code: '221', reply: undefined },
  ];
  const socket = connect({ host, port }, connected);
  const begunMs = performance.now();
  let held = '';
  let why = 'the connection ended';
  const fail = (reason: string): void => {
    why = reason;
    socket.destroy();
  };
  const hear = (line: string): void => {
    const step = steps[0];
    if (step === undefined || !line.startsWith(`${step.code} `)) return fail(`it said "${line}"`);
    steps.shift();
    if (step.reply !== undefined) socket.write(step.reply + END_OF_LINE);
  };
  socket.setEncoding('latin1').setTimeout(DEADLINE_MS, () => fail('it said nothing'));
  socket.on('data', (text: string) => {
    const lines = (held + text).split(END_OF_LINE);
    held = lines.pop() ?? '';
    for (const line of lines) hear(line);
  });
  socket.once('error', ({ message }) => (why = message));
  socket.once('close', () => {
    const [step] = steps;
    const afterMs = Math.round(performance.now() - begunMs);
    resolve(step && `${why} instead of ${step.code}, after ${afterMs} ms`);
  });
  return promise;
}
