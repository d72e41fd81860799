/** All micro-benchmarks, in the order of the data path. */
import { balance } from './cases/balance.ts';
import { body } from './cases/body.ts';
import { chunked } from './cases/chunked.ts';
import { exchange } from './cases/exchange.ts';
import { fields } from './cases/fields.ts';
import { frames } from './cases/frames.ts';
import { grpc } from './cases/grpc.ts';
import { headParser } from './cases/head-parser.ts';
import { headWriter } from './cases/head-writer.ts';
import { hpack } from './cases/hpack.ts';
import { http1Client } from './cases/http1-client.ts';
import { http1Server } from './cases/http1-server.ts';
import { http2Heads } from './cases/http2-heads.ts';
import { http2Sessions } from './cases/http2-sessions.ts';
import { interception } from './cases/interception.ts';
import { loop } from './cases/loop.ts';
import { observe } from './cases/observe.ts';
import { origProto } from './cases/orig-proto.ts';
import { requestReader } from './cases/request-reader.ts';
import { requestTarget } from './cases/request-target.ts';
import { route } from './cases/route.ts';
import { stack } from './cases/stack.ts';
import { timerWheel } from './cases/timer-wheel.ts';
import { transport } from './cases/transport.ts';
import { tunnel } from './cases/tunnel.ts';
import { upgrade } from './cases/upgrade.ts';
import type { MicroCase } from './micro-case.ts';

export const CASES: readonly MicroCase[] = [
  ...loop,
  ...timerWheel,
  ...transport,
  ...fields,
  ...headParser,
  ...requestTarget,
  ...grpc,
  ...requestReader,
  ...chunked,
  ...frames,
  ...body,
  ...route,
  ...balance,
  ...exchange,
  ...headWriter,
  ...http1Client,
  ...http2Sessions,
  ...http1Server,
  ...hpack,
  ...http2Heads,
  ...origProto,
  ...observe,
  ...interception,
  ...tunnel,
  ...upgrade,
  ...stack,
];
