// In: a seed. Out: what is done to a run, to which of its processes, and when. Pure: the same seed, the same blows.
import { createRandom, type Random } from '../../results/random.ts';

export const VICTIMS = ['parent', 'generator', 'target', 'relay', 'tool', 'group'] as const;
export type Victim = (typeof VICTIMS)[number];

/** stop: SIGSTOP, and SIGCONT a while later; orphan: all children stopped, the parent killed, the children continued. */
export const ACTS = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'stop', 'orphan'] as const;
export type Act = (typeof ACTS)[number];

export const MOMENTS = ['start', 'warm-up', 'search', 'measure', 'finish', 'report'] as const;
export type Moment = (typeof MOMENTS)[number];

export interface Blow {
  name: string;
  victim: Victim;
  act: Act;
  moment: Moment;
  /** After the moment was seen. */
  delayMs: number;
  /** For how long it is stopped. */
  stopMs: number;
  /** Whether the server is one that logs what it serves, instead of ours. */
  isLogged: boolean;
}

const LONGEST_DELAY_MS = 300;
const STOP_MS = { least: 50, most: 1_500 };

function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)]!;
}

/** What makes sense: a whole group is killed as its members are, and only a parent leaves orphans. */
function actsOn(victim: Victim): readonly Act[] {
  switch (victim) {
    case 'parent':
      return ACTS;
    case 'group':
      return ['SIGTERM', 'SIGINT', 'SIGHUP', 'stop'];
    default:
      return ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'stop'];
  }
}

/** Moments that a victim lives in. */
function momentsOf(victim: Victim): readonly Moment[] {
  switch (victim) {
    case 'parent':
    case 'group':
      return MOMENTS;
    case 'tool': // it runs during slices only
      return ['warm-up', 'measure'];
    default:
      return MOMENTS.filter(moment => moment !== 'report');
  }
}

/** Victims in turn, the rest by lot. */
export function drawBlows(seed: number, count: number): Blow[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createRandom(seed, 'blow', index);
    const victim = VICTIMS[index % VICTIMS.length]!;
    const act = pick(actsOn(victim), random);
    const moment = pick(momentsOf(victim), random);
    return {
      name: `${index}: ${act} to the ${victim}, ${moment}`,
      victim,
      act,
      moment,
      delayMs: Math.round(random() * LONGEST_DELAY_MS),
      stopMs: Math.round(STOP_MS.least + random() * (STOP_MS.most - STOP_MS.least)),
      isLogged: (victim === 'generator' || victim === 'parent') && moment !== 'search' && random() < 0.7,
    };
  });
}
