// In: a number of bytes and a content type. Out: a target that answers every request at once with that many bytes.
import { z } from 'zod';
import type { BehaviourModule } from '../../bench/contracts.ts';
import { createBodyResponder, MAX_BODY_BYTES } from '../body.ts';

const options = z.strictObject({
  name: z.literal('fixed').describe('Every request is answered at once with the same body'),
  bytes: z
    .int()
    .min(0)
    .max(MAX_BODY_BYTES)
    .default(1024)
    .describe('Exact length of the body; JSON is valid from 1 byte on, 0 is an empty body'),
  contentType: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=[\w-]+)*$/, 'a media type such as text/plain; charset=utf-8')
    .default('application/json')
    .describe('Content-Type of the answer; application/json gets valid JSON, any other type letters'),
});

export default {
  options,
  createResponder: ({ bytes, contentType }) => createBodyResponder(bytes, contentType),
  meanServiceMs: () => 0,
} satisfies BehaviourModule<z.output<typeof options>>;
