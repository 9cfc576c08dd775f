// The contract of a server behaviour: what a target answers with.
import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Random } from '../results/random.ts';

/** Answers one request on the response given: over HTTP/2, Node's that stands in for it, which has no Connection header. */
export type Responder = (response: ServerResponse) => void;

/** What a target answers with. */
export interface BehaviourModule<Options = unknown> {
  /** Strict schema of the options, `name` included, with defaults. */
  options: z.ZodType<Options>;
  /** Prepares whatever can be prepared once; `random` is seeded, uniform in [0, 1). */
  createResponder(options: Options, random: Random): Responder;
  /** Expected time from request to the end of the answer, in ms, by the options alone. */
  meanServiceMs(options: Options): number;
}
