// What the run and the agent on another machine say to each other, over the standard streams of the command that reaches it.
import type { Host, Run } from '../../results/model/run.ts';
import type { KernelCounts } from '../../results/model/trial.ts';
import type { GeneratorCommand, GeneratorReply } from '../protocol.ts';

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

export interface SpawnRequest {
  /** Chosen by the run. */
  id: number;
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
  /** Of its network namespace. */
  kernelCounts(): KernelCounts;
  /** Starts a generator. */
  spawn(request: SpawnRequest): void;
  tell(id: number, command: GeneratorCommand): void;
  kill(id: number): void;
}

/** What the run hears of the agent's generators. */
export interface RunCalls {
  said(id: number, reply: GeneratorReply): void;
  wrote(id: number, text: string): void;
  died(id: number, message: string): void;
  gone(id: number): void;
}

/** Calls without an answer. */
export type AgentEvent = 'spawn' | 'tell' | 'kill';
