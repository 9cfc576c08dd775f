// Opens a target in this process for the duration of a test, with a certificate that all targets share, and a behaviour for it that
// answers several requests together.
import { Target } from '../../scenarios/model/target.ts';
import { createCertificate, type OpenTarget, openTarget } from '../app.ts';
import type { BehaviourModule } from '../behaviour.ts';
import fixed from '../behaviours/fixed.ts';
import type { Scope } from './client.ts';

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

interface Gathering {
  behaviour: BehaviourModule;
  /** The most requests that were in flight at once. */
  peak(): number;
}

/** Answers in rounds of `count`, each with an empty body. */
export function answerTogether(count: number): Gathering {
  const waiting: (() => void)[] = [];
  let peak = 0;
  const behaviour: BehaviourModule = {
    ...fixed,
    createResponder: () => response => {
      waiting.push(() => response.end());
      peak = Math.max(peak, waiting.length);
      if (waiting.length === count) for (const answer of waiting.splice(0)) answer();
    },
  };
  return { behaviour, peak: () => peak };
}

/** By kind of key: making one, and trusting one more, takes longer than most tests. */
const certificates = new Map<Target['tlsKey'], ReturnType<typeof createCertificate>>();

export function sharedCertificate(key: Target['tlsKey'] = 'ec'): ReturnType<typeof createCertificate> {
  const certificate = certificates.get(key) ?? createCertificate(key);
  certificates.set(key, certificate);
  return certificate;
}
