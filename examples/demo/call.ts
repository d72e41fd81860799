/** Calls of one demo program to another: HTTP/1.1 over kept connections. */
import { Agent, request } from 'node:http';
import type { Answer } from './serve.ts';

// Connections that rest for 2 s are closed from this side, before the other side may do it.
const agent = new Agent({ keepAlive: true, timeout: 2_000 });

/** The status and JSON body of the answer; 503 when there was none. */
export function call(service: string, method: string, path: string): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const host = process.env[`${service}_SERVICE_HOST`];
  const port = process.env[`${service}_SERVICE_PORT`];
  const outgoing = request({ agent, host, port, method, path }, (response) => {
    const status = response.statusCode ?? 503;
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => (text += part));
    response.on('end', () => resolve({ status, body: parse(text) }));
    response.on('error', (error) => resolve({ status: 503, body: { error: error.message } }));
  });
  outgoing.on('error', (error) => resolve({ status: 503, body: { error: error.message } }));
  outgoing.end();
  return promise;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A sidecar's own answers are plain sentences.
    return { error: text.trim() };
  }
}
