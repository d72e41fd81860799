/** Bodies through their reader and writer. */
import { BodyReader } from '../../../proxy/session/body-reader.ts';
import { BodyWriter } from '../../../proxy/session/body-writer.ts';
import { BODY } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';
import { DEAF, SinkLink } from '../sink-link.ts';

const write = (name: string, chunks: boolean, expected: number): MicroCase => ({
  name,
  setup: () => {
    const link = new SinkLink(DEAF);
    const writer = new BodyWriter(link);
    return {
      run: () => {
        writer.begin(chunks);
        writer.data(BODY, 0, BODY.length);
        writer.end();
        return link.settle();
      },
      expected,
    };
  },
});

export const body: readonly MicroCase[] = [
  {
    name: 'body-reader length',
    setup: () => {
      let seen = 0;
      const events = {
        bodyData: (_bytes: Buffer, start: number, end: number) => void (seen = end - start),
        bodyTrailers: () => undefined,
      };
      const reader = new BodyReader(events);
      return {
        run: () => {
          reader.expect(BODY.length);
          reader.read(BODY, 0, BODY.length);
          return reader.done ? seen : -1;
        },
        expected: BODY.length,
      };
    },
  },
  write('body-writer length', false, BODY.length),
  write('body-writer chunked', true, BODY.length + '41\r\n\r\n0\r\n\r\n'.length),
];
