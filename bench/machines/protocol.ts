// What the run and the agent on another machine say to each other, over the standard streams of the command that reaches it.

import type { ProcessReading } from '../../results/model/process.ts';
import type { Host, Run } from '../../results/model/run.ts';
import type { KernelCounts } from '../../results/model/trial.ts';

/** What a machine is, and whose code it runs. */
export interface Identity {
  /** Version of the messages between processes. */
  protocol: number;
  /** Version of conntax. */
  conntax: string;
  /** Of the code of conntax. */
  codeDigest: string;
  git: Run['git'];
  /** Versions of what sends the load. */
  libraries: Record<string, string>;
  host: Host;
  /** The same on machines that are one: of the boot, and of the network namespace; null where the system does not tell. */
  bootId: string | null;
  network: string | null;
}

/** Processes of conntax that an agent starts. */
export const ENTRIES = {
  generator: './generator-child',
  target: '../../servers/target-child',
} as const;

export interface SpawnRequest {
  /** Chosen by the run. */
  id: number;
  entry: keyof typeof ENTRIES;
  /** Its name in messages. */
  title: string;
  cpu: number | null;
  niceness: number;
  /** Secrets of the scenario's requests: they pass in messages only, never in a command line. */
  env: Record<string, string>;
}

/** What the agent does for the run. */
export interface AgentCalls {
  hello(): Promise<Identity>;
  /** Its clock that nobody sets. */
  clockMs(): number;
  /** SHA-256 of each file; null: it cannot be read. */
  digests(paths: readonly string[]): (string | null)[];
  /** Its IPv4 addresses, if a server cannot listen on this one; null: it can. */
  addressesInstead(address: string): Promise<string[] | null>;
  /** Of its network namespace. */
  kernelCounts(): KernelCounts;
  /** The same, and what the processes that listen on a port have used; null where they cannot be seen. */
  readServer(port: number): ServerCounts;
  spawn(request: SpawnRequest): void;
  tell(id: number, command: unknown): void;
  kill(id: number): void;
}

export interface ServerCounts {
  kernel: KernelCounts;
  usage: ProcessReading | null;
}

/** What the run hears of the agent's processes. */
export interface RunCalls {
  said(id: number, reply: unknown): void;
  wrote(id: number, text: string): void;
  died(id: number, message: string): void;
  gone(id: number): void;
}

/** Calls without an answer. */
export type AgentEvent = 'spawn' | 'tell' | 'kill';
