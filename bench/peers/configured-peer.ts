/** Peers that read a configuration file and listen where it says. */
import type { SocketAddress } from '../../base/settings.ts';
import type { ArmName } from '../model.ts';
import { startHops } from './chain.ts';
import type { Arm, Peer, Topology } from './peer.ts';
import { PinnedProcess } from './pinned-process.ts';
import { listensAt, withFreeAddresses } from './ports.ts';
import { findProgram, missingProgram, versionOf } from './program.ts';
import { Scratch } from './scratch.ts';

const READY_MS = 10_000;

/** What tells one such peer from the next. */
export interface PeerRecipe {
  readonly name: ArmName;
  /** Name in the PATH, or an absolute path. */
  readonly program: string;
  readonly debianPackage: string;
  readonly versionFlag: string;
  /** Writes what it reads into `scratch`; returns its arguments. It must stay in the foreground. */
  readonly configure: (
    scratch: Scratch,
    listen: SocketAddress,
    topology: Topology,
  ) => readonly string[];
  /** As `Peer.carriesTcp`. */
  readonly carriesTcp?: true;
  /** As `Peer.applies`; absent: any topology applies. */
  readonly applies?: Peer['applies'];
  /** How many processes it is when it is ready. */
  readonly processes: (topology: Topology) => number;
}

/** The peer of a recipe. */
export function configuredPeer(recipe: PeerRecipe): Peer {
  const { debianPackage, name, program, versionFlag } = recipe;
  return {
    name,
    missing: () => missingProgram({ program, debianPackage }),
    ...(recipe.carriesTcp === true ? { carriesTcp: true } : {}),
    applies: recipe.applies ?? (() => undefined),
    version: () => versionOf(program, versionFlag),
    start: (topology, cores) => startHops(topology, (one) => startInstance(recipe, one, cores)),
  };
}

async function startInstance(recipe: PeerRecipe, topology: Topology, cores: string): Promise<Arm> {
  const { name, program } = recipe;
  return withFreeAddresses(1, async ([address]) => {
    const { pids, readyMs, stop } = await startConfigured({
      name,
      program,
      cores,
      configure: (scratch) => recipe.configure(scratch, address, topology),
      processes: recipe.processes(topology),
      address,
    });
    return { name, address, pids, readyMs, admins: [], stop };
  });
}

/** A configured program that runs. */
export interface Running {
  readonly pids: readonly number[];
  readonly readyMs: number;
  readonly stop: () => Promise<void>;
}

/** What `startConfigured` runs. */
export interface Configured {
  readonly name: string;
  readonly program: string;
  readonly cores: string;
  /** Writes what it reads into a new scratch; returns its arguments. */
  readonly configure: (scratch: Scratch) => readonly string[];
  readonly processes: number;
  /** It is ready when it listens here. */
  readonly address: SocketAddress;
}

/** Starts a program in a scratch of its own; rejects with what it wrote. */
export async function startConfigured(options: Configured): Promise<Running> {
  const { address, configure, cores, name, processes } = options;
  const program = findProgram(options.program);
  if (program === undefined) throw new Error(`${options.program} is not installed`);
  const scratch = new Scratch(name);
  let running: PinnedProcess | undefined = undefined;
  const stop = async (): Promise<void> => {
    await running?.stop();
    scratch.remove();
  };
  try {
    const args = configure(scratch);
    const one = new PinnedProcess({ program, args, cores, stopSignal: 'SIGTERM' });
    running = one;
    const ready = (): boolean => {
      const { pids } = one;
      return pids.length >= processes && listensAt(pids, address);
    };
    const readyMs = await one.untilReady(ready, READY_MS);
    return { pids: one.pids, readyMs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
