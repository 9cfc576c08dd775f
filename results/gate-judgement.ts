// In: changes with their intervals. Out: what each of them is, and which of all of them may be called a change.
import { BLIND_ABOVE, type GateLine } from './gate.ts';
import { levelOf, shownTogether } from './holm.ts';
import { type Interval, LEVEL } from './stats.ts';

type Judged = Pick<GateLine, 'change' | 'effect' | 'detectable' | 'state'>;

/** By where the interval of a relative change lies. A fall by `effect` is one to 1 / (1 + effect): as far in logarithms. */
export function judged(change: Interval, effect: number, isMoreBetter: boolean): Judged {
  const { value, low, high } = change;
  const detectable = (1 + effect) * (isMoreBetter ? high / value : value / low) - 1;
  const isMore = low > 1 + effect;
  const isLess = high < 1 / (1 + effect);
  const isWithin = detectable <= BLIND_ABOVE && high <= 1 + effect && low >= 1 / (1 + effect);
  const state =
    isMore || isLess
      ? isMore === isMoreBetter
        ? 'improvement'
        : 'regression'
      : isWithin
        ? 'within'
        : 'unsure';
  return { change, effect, detectable, state };
}

/**
 * The lines of a gate, by their 95 % intervals. That any of the binding ones is called a regression or an improvement without
 * one has a chance of 5 % at most (Holm's method): one whose 95 % interval lies beyond the effect can be unsure. For *within* the 95 %
 * interval is enough: a gate passes where all lines are, so that nothing adds up. What a line could have seen is what it takes
 * alone among so many.
 *
 * @param linesAt the lines by their intervals at a level, always the same ones in the same order
 */
export function heldTogether(linesAt: (level: number) => GateLine[]): GateLine[] {
  const lines = linesAt(LEVEL);
  const known = new Map([[LEVEL, lines]]);
  const linesOf = (level: number): GateLine[] => {
    const found = known.get(level) ?? linesAt(level);
    known.set(level, found);
    return found;
  };
  const binding = [...lines.keys()].filter(index => lines[index]!.isBinding);
  const shown = shownTogether(binding, (index, level) => isChange(linesOf(level)[index]!));
  const widest = linesOf(levelOf(binding.length));
  return lines.map((line, index) =>
    line.isBinding
      ? {
          ...line,
          detectable: widest[index]!.detectable,
          state: isChange(line) && !shown.has(index) ? 'unsure' : line.state,
        }
      : line,
  );
}

function isChange({ state }: GateLine): boolean {
  return state === 'regression' || state === 'improvement';
}
