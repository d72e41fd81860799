/** Prints labels. The foil printer is broken, and always will be: something must fail in a demo. */
import { status } from '@grpc/grpc-js';
import { LabelsService } from '../../api/gen/office/v1/office.ts';
import type { LabelsServer, PrintRequest } from '../../api/gen/office/v1/office.ts';
import { answering, Refusal, serveGrpc } from './serve-grpc.ts';
import { work } from './work.ts';

const handlers: LabelsServer = {
  print: answering(async ({ request }) => {
    await work(3, 20);
    return { label: request.parcel };
  }),
  printFoil: answering(async ({ request }) => {
    await work(1, 5);
    return new Refusal(
      status.INTERNAL,
      `no foil label for parcel ${request.parcel}: the foil printer is out of order`,
    );
  }),
  printSheet: answering(async (call) => {
    const labels: number[] = [];
    for await (const { parcel } of call as AsyncIterable<PrintRequest>) {
      await work(1, 5);
      labels.push(parcel);
    }
    return { labels };
  }),
};

serveGrpc(LabelsService, handlers);
