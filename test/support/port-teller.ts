/**
 * `port-teller.ts PORT…`: a program that listens on each port, on all addresses of both families, and
 * tells whoever connects which port that was. Its first line of output says that it listens.
 */
import { once } from 'node:events';
import net from 'node:net';

for (const port of process.argv.slice(2).map(Number)) {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(`${port}\n`);
  });
  server.listen({ port, host: '::' });
  await once(server, 'listening');
}
process.stdout.write('{"event":"ready"}\n');
