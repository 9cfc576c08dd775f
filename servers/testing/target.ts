// Opens a target in this process for the duration of a test.

import { Target } from '../../scenarios/model/target.ts';
import { type OpenTarget, openTarget } from '../app.ts';
import type { BehaviourModule } from '../behaviour.ts';
import fixed from '../behaviours/fixed.ts';
import type { Scope } from './client.ts';

/** Opens a target with the `fixed` behaviour by default, and a scenario's defaults for what is not stated. */
export async function openTestTarget(
  scope: Scope,
  stated: Record<string, unknown> = {},
  behaviour: BehaviourModule = fixed,
): Promise<OpenTarget> {
  const target = await openTarget({ target: Target.parse(stated), behaviour, seed: 1 });
  scope.after(target.close);
  return target;
}
