/** Heads that the proxy says itself, and why it takes no other. */
import type { HeadKind } from '../codec/http1/head-parser.ts';
import { ownHead } from '../codec/http1/own-head.ts';
import type { HeadFault } from '../codec/http2/head-reader.ts';
import { type ErrorAudience, toResponse } from '../errors.ts';
import { limits } from '../limits.ts';
import { FIELD_CULVERT, FIELD_OTHER } from '../model/field.ts';
import type { Head } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';
import { answerText } from './http1-answer.ts';

/** See `ownAnswer`. */
export interface OwnAnswer {
  readonly head: Head;
  readonly text: Buffer;
}

/** With our own field, which ends at this hop where others say it in our name. */
function headWithOurs(kind: HeadKind, text: Buffer): Head {
  const head = ownHead(kind, text);
  for (let i = head.find(FIELD_CULVERT); i !== -1; i = head.find(FIELD_CULVERT, i)) {
    head.ids[i] = FIELD_OTHER;
  }
  return head;
}

/** An answer of the proxy's own: its head, and the text that has the body behind that. */
export function ownAnswer(
  error: MeshError,
  audience: ErrorAudience,
  headRequest: boolean,
): OwnAnswer {
  const response = toResponse(error, audience);
  const options = { keepAlive: true, minor: 1, headRequest };
  const text = Buffer.from(answerText(response, options), 'latin1');
  return { head: headWithOurs('response', text), text };
}

/** Trailers that end a gRPC answer with the status of `error`. */
export function ownTrailers(error: MeshError, local: boolean): Head {
  const { fields } = toResponse(error, { grpc: true, local });
  const trailers = fields.filter(([name]) => name !== 'content-type');
  const text = `${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return headWithOurs('trailers', Buffer.from(text, 'latin1'));
}

/** What a client is told whose head is no head. */
export function headError(fault: Exclude<HeadFault, 'malformed'>): MeshError {
  if (fault === 'target-too-long') {
    const sentence = `The target exceeds ${limits.targetBytesMax} bytes.`;
    return new MeshError('target-too-long', 'downstream', sentence);
  }
  const sentence = `The request head exceeds ${limits.headBytesMax} bytes or ${limits.fieldCountMax} fields.`;
  return new MeshError('head-too-large', 'downstream', sentence);
}

/** What a peer is told that misuses the field of ours. */
export const BAD_ORIG_PROTO: MeshError = new MeshError(
  'malformed-request',
  'downstream',
  'culvert-orig-proto is malformed, or there twice.',
);
