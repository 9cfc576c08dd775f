// How far a comparison can be trusted on this machine now: how often any verdict of an A/A run is false, idle and beside a
// neighbour, and on request how our design and its rivals spread.
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { compareArms } from '../../results/compare.ts';
import { requestsPerSec } from '../../results/metrics.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { createRandom } from '../../results/random.ts';
import { type Interval, LEVEL, replicateInterval, studentInterval, toRatio } from '../../results/stats.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { type PlannedCell, planRun } from '../plan/plan.ts';
import type { ReplicateContext } from '../run/context.ts';
import { conditionTargets, measureReplicate } from '../run/replicate.ts';
import { startTarget, type TargetProcess } from '../run/targets.ts';
import { measureFalseVerdicts } from './false-verdicts.ts';
import { announce } from './machine.ts';
import { LEAST_REPLICATES, MOST_REPLICATES, reach, resample, type Sitting } from './resample.ts';

const PRECISIONS = [0.05, 0.03] as const;
const SEED = 20_261_123;
const client = { pool: { maxConnections: 100 } };

function cellOf(timing: object, arms: readonly string[]): PlannedCell {
  const clients = Object.fromEntries(arms.map(arm => [arm, client]));
  const scenario = Scenario.parse({ name: 'aa', question: 'noise', clients, baseline: arms[0], timing });
  return planRun([scenario], { seed: SEED }).cells[0]!;
}

/** A way to compare two arms. A session is one comparison from scratch: all its replicates follow one another. */
interface Design {
  name: string;
  interval: (logRatios: readonly number[]) => Interval | null;
  openSession(): Promise<Session>;
}

interface Session {
  /** The log ratio b / a of one replicate. */
  replicate(index: number): Promise<number>;
  close(): Promise<void>;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '8' },
    sessions: { type: 'string', default: '0' },
    replicates: { type: 'string', default: '7' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`npm run bench:noise -- [--runs N] [--sessions N] [--replicates N]

  --runs N        A/A runs of about 40 s, N idle and N beside a neighbour that uses a fifth of a core (default 8, about 11 min)
  --sessions N    sessions of each design: conntax, cold targets, whole trials in turn (default 0; 3 take about 10 min)
  --replicates N  replicates in each session (default 7)`);
  process.exit();
}
const sessions = Number(values.sessions);
const replicates = Number(values.replicates);
const host = await announce(
  'Noise: A/A ratios of requests/s, keep-alive, concurrency 100, 1 KiB, plain HTTP',
);
await measureFalseVerdicts({ runs: Number(values.runs), seed: SEED, host });
const signal = new AbortController().signal;

function contextOf(cell: PlannedCell, replicate: number): ReplicateContext {
  const { pinning } = host;
  return {
    cell,
    replicate,
    seed: SEED,
    pinning,
    slowest: new Map(),
    signal,
    emit: () => {},
    isConfirming: false,
    leftMs: () => 0,
  };
}

function rateOf(results: readonly TrialResult[], arm: string): number {
  const trial = results.find(result => result.trial.arm === arm);
  if (trial?.state !== 'completed') throw new Error(`arm ${arm} was not measured: ${JSON.stringify(trial)}`);
  return requestsPerSec(trial)!;
}

const sliced = cellOf({}, ['a', 'b']);
const plainTarget = sliced.scenario.target;
const startPlainTarget = (): Promise<TargetProcess> =>
  startTarget(plainTarget, SEED, host.pinning?.targetCpu ?? null);

/** One replicate as `conntax run` takes it with the default timing. */
async function slicedLogRatio(index: number, target: TargetProcess): Promise<number> {
  const trials = await measureReplicate(contextOf(sliced, index), () => target);
  const ratio = compareArms({ baseline: 'a', trials })[0]?.replicateRatios[0];
  if (ratio === undefined) throw new Error(`not measured: ${JSON.stringify(trials)}`);
  return Math.log(ratio);
}

/** Ours, as `conntax run` does it: one target, conditioned. */
const ours: Design = {
  name: 'conntax',
  interval: replicateInterval,
  async openSession() {
    const target = await startPlainTarget();
    await conditionTargets(contextOf(sliced, 0), () => target);
    return { replicate: index => slicedLogRatio(index, target), close: target.kill };
  },
};

/** The same but for what conditioning is there to prevent: every replicate has a fresh, cold target. */
const cold: Design = {
  name: 'the same, cold targets',
  interval: replicateInterval,
  openSession: async () => ({
    async replicate(index) {
      const target = await startPlainTarget();
      try {
        return await slicedLogRatio(index, target);
      } finally {
        await target.kill();
      }
    },
    close: async () => {},
  }),
};

/** What people do by hand: start a load tool, let it run, stop it; then the other. */
const naive: Design = {
  name: 'naive, whole trials in turn',
  interval: logRatios => (logRatios.length < 2 ? null : toRatio(studentInterval(logRatios, LEVEL))),
  async openSession() {
    const whole = { slicing: 'whole', warmupMinMs: 1_000, warmupMaxMs: 1_000, measureMs: 2_000 };
    const target = await startPlainTarget();
    const trialRate = async (arm: string, index: number): Promise<number> =>
      rateOf(await measureReplicate(contextOf(cellOf(whole, [arm]), index), () => target), arm);
    return {
      async replicate(index) {
        const first = await trialRate(index % 2 === 0 ? 'a' : 'b', index);
        const second = await trialRate(index % 2 === 0 ? 'b' : 'a', index);
        return Math.log(index % 2 === 0 ? second / first : first / second);
      },
      close: target.kill,
    };
  },
};

const designs = [ours, cold, naive];
const sittings = new Map<Design, Sitting[]>(designs.map(design => [design, []]));
for (let session = 0; session < sessions; session++) {
  for (const design of designs) sittings.get(design)!.push(await sit(design));
}
for (const design of sessions > 0 ? designs : []) {
  const lines = sittings
    .get(design)!
    .map(({ logRatios }) => logRatios.map(x => Math.exp(x).toFixed(3)).join(' '));
  console.log(`${design.name}: b / a of each replicate, a line a session\n  ${lines.join('\n  ')}`);
}
if (sessions > 0) printTable();

async function sit(design: Design): Promise<Sitting> {
  const startMs = performance.now();
  const session = await design.openSession();
  const sitting: Sitting = { setUpMs: performance.now() - startMs, logRatios: [], elapsedMs: [] };
  try {
    for (let index = 0; index < replicates; index++) {
      const replicateStartMs = performance.now();
      sitting.logRatios.push(await session.replicate(index));
      sitting.elapsedMs.push(performance.now() - replicateStartMs);
    }
  } finally {
    await session.close();
  }
  console.error(`${design.name}: ${sitting.logRatios.map(x => Math.exp(x).toFixed(3)).join(' ')}`);
  return sitting;
}

/** Seconds after which a session's interval was first within the precision, or `never`. */
function timeUntil(design: Design, { setUpMs, logRatios, elapsedMs }: Sitting, precision: number): string {
  let ms = setUpMs;
  for (let count = 1; count <= logRatios.length; count++) {
    ms += elapsedMs[count - 1]!;
    if (count >= LEAST_REPLICATES && reach(design.interval(logRatios.slice(0, count))) <= precision) {
      return `${(ms / 1_000).toFixed(0)} s`;
    }
  }
  return 'never';
}

function printTable(): void {
  const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;
  const head = [
    'design',
    'sd of a replicate',
    'within',
    'reached after, by session',
    'resampled: median, p90',
    'holds 1.0',
  ];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const design of designs) {
    const all = sittings.get(design)!;
    const logRatios = all.flatMap(sitting => sitting.logRatios);
    const sd = Math.sqrt(logRatios.reduce((sum, x) => sum + x * x, 0) / logRatios.length); // about the truth, 0
    for (const precision of PRECISIONS) {
      const { holds, precise, medianSec, p90Sec } = resample(
        design.interval,
        all,
        precision,
        createRandom(SEED, design.name, precision),
      );
      table.push([
        design.name,
        percent(sd),
        `+-${percent(precision)}`,
        all.map(sitting => timeUntil(design, sitting, precision)).join(', '),
        precise < 0.9
          ? `${percent(precise)} within ${MOST_REPLICATES} replicates`
          : `${medianSec.toFixed(0)} s, ${p90Sec.toFixed(0)} s`,
        percent(holds),
      ]);
    }
  }
  console.log(table.toString());
}
