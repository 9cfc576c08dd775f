// A behaviour that answers no request until a given number is in flight, and counts the most at once.
import type { BehaviourModule } from '../behaviour.ts';
import fixed from '../behaviours/fixed.ts';

export interface Gathering {
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
