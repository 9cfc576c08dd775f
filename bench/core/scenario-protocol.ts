// What the parent and the process that reads the user's modules say to each other.
import type { Problem } from '../../results/errors.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';

export type ScenarioCommand =
  | { type: 'load'; selectors: readonly string[]; builtinDir: string; cwd: string }
  /** Answers a step of `reading`: go on. */
  | { type: 'next' };

export type ScenarioStep =
  /** This file of the user's is read next. */
  | { reading: string }
  | { variants: Variant[] }
  | { refused: { message: string; problems: Problem[] } }
  /** What the file that is read has done to the process. */
  | { failed: string };

export interface ScenarioReply {
  type: 'step';
  step: ScenarioStep;
}
