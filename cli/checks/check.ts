import type { MeshApi } from '../mesh-api.ts';

/** What a check may ask. */
export interface CheckContext {
  readonly api: Pick<MeshApi, 'address' | 'version' | 'selfCheck' | 'listPods'>;
  readonly clientVersion: string;
  /** /metrics of the sidecar with this admin address; undefined when it is not to be had. */
  readonly metrics: (adminAddress: string) => Promise<string | undefined>;
  /** Likewise, what is open past that sidecar, by port. */
  readonly past: (adminAddress: string) => Promise<readonly PastConnections[] | undefined>;
  /** Of the pods looked at; empty means all. */
  readonly namespace: string;
}

/** Connections of a pod that are open past its sidecar. */
export interface PastConnections {
  /** `outbound`: the application opened them. */
  readonly direction: 'inbound' | 'outbound';
  /** The application's inbound, the other side's outbound. */
  readonly port: number;
  readonly connections: number;
}

/** `skipped`: the answer needs something that an earlier check found missing. */
export type CheckStatus = 'ok' | 'warning' | 'failed' | 'skipped';

/** One line of the result. `problem` and `hint` are empty when the status is `ok`. */
export interface CheckResult {
  readonly id: string;
  readonly description: string;
  readonly status: CheckStatus;
  readonly problem: string;
  readonly hint: string;
}

/** What a check found wrong; `hint` replaces the check's own where the finding knows better. */
export interface Finding {
  readonly status: 'warning' | 'failed';
  readonly problem: string;
  readonly hint?: string;
}

/** A check as data: what must be true, what to do when it is not, and how to find out. */
export interface Check {
  /** Dotted and stable: scripts rely on it. */
  readonly id: string;
  readonly description: string;
  readonly hint: string;
  /** Also part of `check --proxy`, which looks at the data plane alone. */
  readonly dataPlane: boolean;
  /** When it fails, nothing after it can be known. */
  readonly essential?: true;
  /** Resolves to the findings, none when all is well; or to results of several checks. */
  readonly run: (context: CheckContext) => Promise<readonly Finding[] | CheckReport>;
}

/** Results of checks that somebody else ran. */
export interface CheckReport {
  readonly results: readonly CheckResult[];
}
