/** One exchange on an HTTP/2 connection, in both roles: what frames, windows and streams cost. */
import { TimerWheel } from '../../../base/timer-wheel.ts';
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADERS,
} from '../../../proxy/codec/http2/frame.ts';
import {
  writeFrameHeader,
  writeSettings,
  writeWindowUpdate,
} from '../../../proxy/codec/http2/frame-writer.ts';
import { CLIENT_PREFACE } from '../../../proxy/codec/http2/preface.ts';
import { Http2Client } from '../../../proxy/session/http2-client.ts';
import { Http2Server } from '../../../proxy/session/http2-server.ts';
import { StreamTable } from '../../../proxy/session/http2-stream-table.ts';
import { Http2Stream, type StreamEvents } from '../../../proxy/session/http2-stream.ts';
import { BODY, REQUEST, RESPONSE, headOf } from '../messages.ts';
import type { MicroCase, Operation } from '../micro-case.ts';
import { CaseSide, NOTHING } from '../server-side.ts';
import { DEAF, SinkLink } from '../sink-link.ts';

const WINDOW_BYTES = 2 ** 31 - 1 - 65_535;
const STREAM_AT = 5;
/** Until tables and memos have settled. */
const FIRST_RUNS = 8;

/** ":method GET, :scheme http, :path /", from the static table, and ":authority web". */
const ASKED = [0x82, 0x86, 0x84, 0x01, 0x03, 0x77, 0x65, 0x62];
/** ":status 200". */
const ANSWERED = [0x88];

/** HEADERS that end their stream. */
function headersFrame(block: readonly number[]): Buffer {
  const frame = Buffer.alloc(64);
  const flags = FLAG_END_HEADERS | FLAG_END_STREAM;
  const at = writeFrameHeader(frame, 0, block.length, FRAME_HEADERS, flags, 1);
  frame.set(block, at);
  return frame.subarray(0, at + block.length);
}

/** What a peer says first: SETTINGS, and a window that outlasts the benchmark. */
function greeting(): Buffer {
  const out = Buffer.alloc(64);
  const at = writeSettings(out, 0, []);
  return out.subarray(0, writeWindowUpdate(out, at, 0, WINDOW_BYTES));
}

/** Runs until every run does the same, and tells what that is. */
function settled(run: () => number): Operation {
  let expected = 0;
  for (let i = 0; i < FIRST_RUNS; i++) expected = run();
  return { run, expected };
}

function server(): Operation {
  const side = new CaseSide();
  const link = new SinkLink(DEAF);
  const session = new Http2Server(side, link);
  link.events = session;
  session.onBytes(CLIENT_PREFACE, 0, CLIENT_PREFACE.length);
  session.onBytes(greeting(), 0, greeting().length);
  link.settle();
  const response = headOf(RESPONSE, 'response');
  const frame = headersFrame(ASKED);
  let stream = 1;
  const operation = settled(() => {
    frame.writeUInt32BE(stream, STREAM_AT);
    stream += 2;
    session.onBytes(frame, 0, frame.length);
    side.downstream.responseHead(response, BODY.length);
    side.downstream.responseData(BODY, 0, BODY.length);
    side.downstream.responseEnd();
    return link.settle();
  });
  side.wheel.stop();
  return operation;
}

const ignore = (): void => undefined;

function client(): Operation {
  const wheel = new TimerWheel(100, () => 0);
  const owner = {
    wheel,
    speaksHttp2: true,
    streamsLast: false,
    opened: ignore,
    failed: ignore,
    available: ignore,
    retiring: ignore,
    idle: ignore,
    limitHit: ignore,
    closed: ignore,
  };
  const session = new Http2Client(owner, 'web:80');
  const link = new SinkLink(session);
  session.attach(link);
  session.onOpen();
  session.onBytes(greeting(), 0, greeting().length);
  link.settle();
  const request = headOf(REQUEST, 'request');
  const frame = headersFrame(ANSWERED);
  let id = 1;
  const operation = settled(() => {
    const stream = session.open();
    stream.request(request, 0, NOTHING);
    stream.requestEnd();
    const sent = link.settle();
    frame.writeUInt32BE(id, STREAM_AT);
    id += 2;
    session.onBytes(frame, 0, frame.length);
    return sent;
  });
  wheel.stop();
  return operation;
}

const NOBODY: StreamEvents = {
  streamData: ignore,
  streamTrailers: ignore,
  streamEnd: ignore,
  streamReset: ignore,
  streamFault: ignore,
  streamLost: ignore,
  streamSent: ignore,
  streamStalled: ignore,
  streamForgotten: ignore,
};

/** The oldest of 16 streams gives way to another. */
function table(): Operation {
  const streams = new StreamTable();
  for (let id = 1; id < 32; id += 2) {
    const stream = new Http2Stream(NOBODY);
    stream.begin(id, 0, 0);
    streams.add(stream);
  }
  let oldest = 1;
  const run = (): number => {
    const stream = streams.get(oldest);
    if (stream === undefined) return -1;
    streams.delete(stream);
    stream.begin(oldest + 32, 0, 0);
    streams.add(stream);
    oldest += 2;
    return streams.size;
  };
  return { run, expected: 16 };
}

export const http2Sessions: readonly MicroCase[] = [
  { name: 'http2-server exchange', setup: server },
  { name: 'http2-client attempt', setup: client },
  { name: 'http2-stream-table add, get, delete', setup: table },
];
