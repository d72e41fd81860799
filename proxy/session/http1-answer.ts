/** The proxy's own answers as HTTP/1.1 text. */
import type { ErrorResponse } from '../errors.ts';

/** What the answer depends on besides the error. */
export interface AnswerOptions {
  readonly keepAlive: boolean;
  /** Minor version of the request. */
  readonly minor: number;
  /** HEAD: the answer says the body's length and leaves the body out. */
  readonly headRequest: boolean;
}

/** ASCII text of the whole answer. */
export function answerText(response: ErrorResponse, options: AnswerOptions): string {
  let text = `HTTP/1.1 ${response.status} ${response.reason}\r\n`;
  for (const [name, value] of response.fields) text += `${name}: ${value}\r\n`;
  text += `Content-Length: ${response.body.length}\r\n`;
  if (!options.keepAlive) text += 'Connection: close\r\n';
  else if (options.minor === 0) text += 'Connection: keep-alive\r\n';
  return `${text}\r\n${options.headRequest ? '' : response.body}`;
}
