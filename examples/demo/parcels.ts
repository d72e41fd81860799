/** Knows where every parcel is. Runs twice. */
import { status } from '@grpc/grpc-js';
import { ParcelsService } from '../../api/gen/office/v1/office.ts';
import type { ParcelsServer } from '../../api/gen/office/v1/office.ts';
import { answering, Refusal, serveGrpc, streaming } from './serve-grpc.ts';
import { work } from './work.ts';

const STATIONS = ['counter', 'depot', 'van', 'doorstep'] as const;
const FIRST_PARCEL = 1_000;
let lastParcel = FIRST_PARCEL;

const unknown = (parcel: number): Refusal =>
  new Refusal(status.NOT_FOUND, `no parcel ${parcel}: they are numbered from ${FIRST_PARCEL} on`);

const handlers: ParcelsServer = {
  track: answering(async ({ request: { parcel } }) => {
    await work(1, 12);
    if (parcel < FIRST_PARCEL) return unknown(parcel);
    return { parcel, station: STATIONS[parcel % STATIONS.length] ?? STATIONS[0] };
  }),
  handIn: answering(async () => {
    await work(4, 25);
    return { parcel: ++lastParcel };
  }),
  follow: streaming(async (call) => {
    const { parcel } = call.request;
    if (parcel < FIRST_PARCEL) return unknown(parcel);
    for (const station of STATIONS) {
      await work(20, 100);
      if (call.cancelled) break;
      call.write({ parcel, station });
    }
    return undefined;
  }),
};

serveGrpc(ParcelsService, handlers);
