// What a study and its process that holds both arms say to each other.
import type { Client } from '../../../scenarios/model/client.ts';
import type { Endpoint } from '../../../servers/protocol.ts';
import type { Replicate } from './observations.ts';

export type OneProcessCommand =
  | {
      type: 'prepare';
      clients: readonly [before: Client, after: Client];
      concurrency: number;
      endpoint: Endpoint;
    }
  /** Steady time of each arm. Answered by `replicate`. */
  | { type: 'measure'; measureMs: number };

export type OneProcessReply =
  | { type: 'ready' }
  | { type: 'replicate'; replicate: Replicate }
  | { type: 'failed'; message: string };
