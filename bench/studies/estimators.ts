// In: nothing. Out: on standard output, the tables of docs/statistics.md: how the estimators do on known truths.
import type { Estimator } from '../../results/stats.ts';
import { replicateInterval } from '../../results/stats.ts';
import { coverageAt, coverageWhenStopping } from '../../results/testing/coverage.ts';
import { RIVALS } from '../../results/testing/rival-estimators.ts';
import { TRUTHS } from '../../results/testing/truths.ts';

const COUNTS = [4, 6, 8, 12, 20];
const EXPERIMENTS = 1_000;

const estimators: Record<string, Estimator> = { ours: replicateInterval, ...RIVALS };
const percent = (ratio: number) => (ratio * 100).toFixed(1);

console.log(
  `Cells: how often the interval holds the truth, % / median half-width, %. ${EXPERIMENTS} experiments.\n`,
);
console.log(`| truth | n | ${Object.keys(estimators).join(' | ')} |`);
console.log(`|---|---:|${'---|'.repeat(Object.keys(estimators).length)}`);
for (const truth of TRUTHS) {
  for (const n of COUNTS) {
    const cells = Object.values(estimators).map(estimate => {
      const { holdsRatio, halfWidthRatio } = coverageAt(estimate, truth, n, EXPERIMENTS);
      return `${percent(holdsRatio)} / ${percent(halfWidthRatio)}`;
    });
    console.log(`| ${truth.name} | ${n} | ${cells.join(' | ')} |`);
  }
}

console.log('\nStopping as soon as the interval is within +-5 %, after 3 to 30 replicates.\n');
console.log('| truth | estimator | holds the truth, % | within +-5 % at the end, % | mean replicates |');
console.log('|---|---|---:|---:|---:|');
for (const truth of TRUTHS) {
  for (const [name, estimate] of Object.entries({
    ours: replicateInterval,
    "Student's t": RIVALS["Student's t"]!,
  })) {
    const found = coverageWhenStopping(estimate, truth, { least: 3, most: 30, experiments: EXPERIMENTS });
    console.log(
      `| ${truth.name} | ${name} | ${percent(found.holdsRatio)} | ${percent(found.preciseRatio)} | ${found.replicates.toFixed(1)} |`,
    );
  }
}
