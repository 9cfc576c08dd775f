// The contract of a server behaviour: what a target answers with.
import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Random } from '../results/random.ts';

/** Answers one request on the given response; over HTTP/2 this is Node's compatible response, without a Connection header. */
export type Responder = (response: ServerResponse) => void;

/** What a target answers with. */
export interface BehaviourModule<Options = unknown> {
  /** Strict schema of the options, `name` included, with defaults. */
  options: z.ZodType<Options>;
  /** Prepares a responder once; `random` is seeded, uniform in [0, 1). */
  createResponder(options: Options, random: Random): Responder;
  /** Expected time from request to the end of the response, in ms, by the options alone. */
  meanServiceMs(options: Options): number;
}
