/** Serves HTTP on ports of `ADDRESS:PORT`; each answer says what was reached, and by whom. */
import http from 'node:http';
import { parseSocketAddress } from '../../base/settings.ts';

const listening = process.argv.slice(2).map((text) => {
  const address = parseSocketAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  const server = http.createServer((request, response) => {
    const { localAddress, localPort, remoteAddress } = request.socket;
    response.end(`reached ${localAddress} ${localPort} from ${remoteAddress}`);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen({ ...address, ipv6Only: address.host.includes(':') }, resolve);
  return promise;
});
await Promise.all(listening);
process.stdout.write('ready\n');
