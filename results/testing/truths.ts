// Distributions with a known truth, from which log ratios of replicates are drawn.
import { randomNormal } from 'd3-random';
import type { Random } from '../random.ts';

export interface Truth {
  name: string;
  /** What an interval should hold: the centre of the main mode, or the mean where there is one mode. */
  value: number;
  /** A source of replicates. */
  draws: (random: Random) => () => number;
}

/** What replicates of one mode vary by: measured on two shared cores. */
const REPLICATE_SD = 0.016;
const MODE = 0.25;

/** Requests/s of nine fresh processes with the same code and flags, against one reference. */
const NINE_PROCESSES = [0.87, 0.95, 0.98, 0.99, 1, 1.02, 1.24, 1.25, 1.26].map(Math.log);

const normal = (sd: number): Truth => ({
  name: `normal, sd ${sd}`,
  value: 0,
  draws: random => randomNormal.source(random)(0, sd),
});

/** A share of replicates off by 0.25 either way, as when both arms may be in the slow mode. */
const twoSided = (share: number): Truth => ({
  name: `modes at +-0.25, ${share * 100} %`,
  value: 0,
  draws: random => {
    const noise = randomNormal.source(random)(0, REPLICATE_SD);
    return () => {
      const draw = random();
      return noise() + (draw < share / 2 ? MODE : draw < share ? -MODE : 0);
    };
  },
});

/** A share of replicates slower by 0.25, as when only the candidate has a slow mode. */
const oneSided = (share: number): Truth => ({
  name: `mode at -0.25, ${share * 100} %`,
  value: 0,
  draws: random => {
    const noise = randomNormal.source(random)(0, REPLICATE_SD);
    return () => noise() - (random() < share ? MODE : 0);
  },
});

export const TRUTHS: readonly Truth[] = [
  normal(REPLICATE_SD),
  normal(0.15),
  {
    name: 'skewed (centred lognormal)',
    value: 0,
    draws: random => {
      const noise = randomNormal.source(random)();
      return () => 0.04 * (Math.exp(0.4 * noise() - 0.08) - 1);
    },
  },
  {
    name: 'heavy tails (t3)',
    value: 0,
    draws: random => {
      const noise = randomNormal.source(random)();
      return () => (REPLICATE_SD * noise()) / Math.sqrt((noise() ** 2 + noise() ** 2 + noise() ** 2) / 3);
    },
  },
  twoSided(0.1),
  twoSided(0.35),
  oneSided(0.1),
  oneSided(0.35),
  {
    name: 'two of nine real processes',
    value: 0,
    draws: random => {
      const noise = randomNormal.source(random)(0, REPLICATE_SD);
      const process = () => NINE_PROCESSES[Math.floor(random() * NINE_PROCESSES.length)]!;
      return () => noise() + process() - process();
    },
  },
];
