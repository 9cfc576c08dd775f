// Opens a target in this process for the duration of a test.

import { Target } from '../../scenarios/model/target.ts';
import { type OpenTarget, openTarget } from '../app.ts';
import type { BehaviourModule } from '../behaviour.ts';
import fixed from '../behaviours/fixed.ts';
import type { Scope } from './client.ts';
import { sharedCertificate } from './shared-certificate.ts';

/**
 * Opens a target with the `fixed` behaviour by default, and a scenario's defaults for what is not stated. Its certificate, if any, is
 * that of all others in this process.
 */
export async function openTestTarget(
  scope: Scope,
  stated: Record<string, unknown> = {},
  behaviour: BehaviourModule = fixed,
): Promise<OpenTarget> {
  const target = Target.parse(stated);
  const certificate = target.tls === 'none' ? {} : { certificate: await sharedCertificate(target.tlsKey) };
  const opened = await openTarget({ target, behaviour, seed: 1, ...certificate });
  scope.after(opened.close);
  return opened;
}
