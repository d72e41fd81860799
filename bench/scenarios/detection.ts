/**
 * What it costs to find out what is spoken. Clients that speak first: a new connection for each
 * request, detected and declared. Servers that speak first: from the end of the dial, and from the
 * client's own, to their first byte at the client.
 */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { SocketAddress } from '../../base/settings.ts';
import { culvert } from '../peers/culvert.ts';
import { DIRECT } from '../peers/direct.ts';
import type { Arm, Topology } from '../peers/peer.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { KEEP_ALIVE } from './http1.ts';
import type { Scenario } from './scenario.ts';

const RATE = 500;
const LOAD: Load = {
  ...KEEP_ALIVE,
  connectionPerRequest: true,
  arrival: { kind: 'poisson', perSecond: RATE },
};
const GREETINGS = 200;

/** In a full run only: it says what detection adds, and bounds nothing. */
export const DETECTION: Scenario = {
  name: 'detection',
  about: 'Connections whose protocol is detected, beside those whose port is declared.',
  quick: false,
  seconds: 45,
  run,
};

async function run(stage: Stage): Promise<void> {
  const ours = stage.withPeers([
    DIRECT,
    culvert(),
    culvert({ name: 'culvert-declared', declared: 'http1' }),
  ]);
  await ours.withArms(topologyOf(stage.parts.backends.slice(0, 1)), async (arms) => {
    await ours.warm(arms, LOAD);
    await ours.measure(`${RATE} connections a second`, arms, LOAD);
  });
  const greeter = await Greeter.start();
  try {
    const [, detecting] = ours.parts.peers;
    const one = stage.withPeers([DIRECT, detecting!]);
    await one.withArms(topologyOf([greeter.address]), async (arms) => {
      for (const arm of arms) await greet(stage, arm, greeter);
    });
  } finally {
    greeter.stop();
  }
}

const topologyOf = (backends: readonly SocketAddress[]): Topology => ({
  direction: 'inbound',
  hops: 1,
  backends,
  authority: AUTHORITY,
  threads: 1,
});

/** The first connection waits for the client's silence; from then on the port is remembered. */
async function greet(stage: Stage, arm: Arm, greeter: Greeter): Promise<void> {
  const { ledger, say } = stage.parts;
  say(`${stage.scenario}: servers that speak first, ${arm.name}`);
  const first = await greeter.greeting(arm.address);
  const later: Greeting[] = [];
  while (later.length < GREETINGS) later.push(await greeter.greeting(arm.address));
  const write = (phase: string, greetings: readonly Greeting[]): void => {
    const place = stage.place(phase, arm.name);
    for (const figure of ['greetingUs', 'afterDialUs'] as const) {
      ledger.add(
        place,
        figure,
        greetings.map((each) => each[figure]),
      );
    }
  };
  write('server first, unknown port', [first]);
  write('server first, remembered', later);
}

/** Times of one connection, microseconds. */
interface Greeting {
  /** The client dials to the server's first byte at the client. */
  readonly greetingUs: number;
  /** The server's end of the dial to its first byte at the client. */
  readonly afterDialUs: number;
}

/** A server that greets, and clients of it in the same process: one clock. */
class Greeter {
  readonly #server: net.Server;
  readonly address: SocketAddress;
  #acceptedMs = 0;

  static async start(): Promise<Greeter> {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Greeter(server);
  }

  private constructor(server: net.Server) {
    this.#server = server;
    this.address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    server.on('connection', (socket) => {
      this.#acceptedMs = performance.now();
      socket.on('error', () => undefined);
      socket.end('220 ready\r\n');
    });
  }

  async greeting({ host, port }: SocketAddress): Promise<Greeting> {
    const dialledMs = performance.now();
    const socket = net.connect({ host, port, noDelay: true });
    await once(socket, 'data');
    const heardMs = performance.now();
    socket.destroy();
    return {
      greetingUs: (heardMs - dialledMs) * 1_000,
      afterDialUs: (heardMs - this.#acceptedMs) * 1_000,
    };
  }

  stop(): void {
    this.#server.close();
  }
}
