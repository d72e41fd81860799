/** One visit to the ledger: hears its greeting, books, says goodbye. */
import { connect } from 'node:net';

const DEADLINE_MS = 10_000;
const END_OF_LINE = '\r\n';

/** Resolves to whether all went as it should; one booking of `cents` for `parcel`. */
export function book(
  host: string | undefined,
  port: number,
  parcel: number,
  cents: number,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  /** What the ledger is to say, and what it is told then. */
  const steps = [
    { code: '220', reply: `BOOK ${parcel} ${cents}` },
    { code: '250', reply: 'QUIT' },
    { code: '221', reply: undefined },
  ];
  const socket = connect({ host, port });
  let held = '';
  const hear = (line: string): void => {
    const step = steps[0];
    if (step === undefined || !line.startsWith(`${step.code} `)) {
      socket.destroy();
      return;
    }
    steps.shift();
    if (step.reply !== undefined) socket.write(step.reply + END_OF_LINE);
  };
  socket.setEncoding('latin1').setTimeout(DEADLINE_MS, () => socket.destroy());
  socket.on('data', (text: string) => {
    const lines = (held + text).split(END_OF_LINE);
    held = lines.pop() ?? '';
    for (const line of lines) hear(line);
  });
  socket.once('error', () => {});
  socket.once('close', () => resolve(steps.length === 0));
  return promise;
}
