// Kinds of values that many settings have, as schemas.
import { z } from 'zod';

/** A whole number of a range. */
export const whole = (least: number, most: number) => z.int().min(least).max(most);

/** A number of a range. */
export const within = (least: number, most: number) => z.number().min(least).max(most);

/** The longest time that a setting may state, a budget included: an hour. */
export const LONGEST_DURATION_MS = 3_600_000;

/** From a millisecond to an hour. */
export const duration = () => whole(1, LONGEST_DURATION_MS);

/** Above 0. */
export const positiveUpTo = (most: number) => z.number().gt(0).max(most);

export const text = () => z.string().min(1);

/** The name of a scenario or a client. */
export const Name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');

/** The name of an environment variable. */
export const VariableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable');
