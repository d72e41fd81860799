/** A few lines over node:http that the demo's programs share. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** What a handler answers: a status, and a body that is sent as JSON, or a page as it is. */
export type Answer =
  | { readonly status: number; readonly body: unknown }
  | { readonly status: number; readonly page: string };

/** Handles `METHOD /path`; `id` is what the pattern's group matched. */
export interface Operation {
  readonly method: string;
  readonly path: RegExp;
  readonly handle: (id: string, request: IncomingMessage) => Answer | Promise<Answer>;
}

/** Serves the operations at `HOST`:`PORT` until SIGTERM, which lets open requests finish. */
export function serve(operations: readonly Operation[]): Server {
  const server = createServer((request, response) => {
    void respond(operations, request, response, () => server.listening);
  });
  server.listen(Number(process.env['PORT']), process.env['HOST']);
  process.once('SIGTERM', () => server.close());
  return server;
}

async function respond(
  operations: readonly Operation[],
  request: IncomingMessage,
  response: ServerResponse,
  goesOn: () => boolean,
): Promise<void> {
  try {
    const answered = await answer(operations, request);
    // The last answer on this connection, or whoever keeps it open keeps the program from ending.
    if (!goesOn()) response.shouldKeepAlive = false;
    const [type, text] =
      'page' in answered
        ? ['text/html; charset=utf-8', answered.page]
        : ['application/json', `${JSON.stringify(answered.body)}\n`];
    response.writeHead(answered.status, { 'content-type': type });
    response.end(text);
  } catch {
    // The client left in the middle of its request: nobody waits for an answer.
    response.destroy();
  }
}

async function answer(operations: readonly Operation[], request: IncomingMessage): Promise<Answer> {
  // A request is read whole before it is answered, so that its connection can be used again.
  for await (const _ of request);
  for (const { method, path, handle } of operations) {
    const match = path.exec(request.url ?? '');
    if (request.method === method && match !== null) return handle(match[1] ?? '', request);
  }
  return { status: 404, body: { error: 'no such operation' } };
}
