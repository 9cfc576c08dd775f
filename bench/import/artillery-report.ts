// Reads a report of Artillery: what conntax's engine has stated in it, its figures by client, turn and period, and distributions drawn
// again from their summaries.
import { z } from 'zod';
import { errorMessage, UsageError } from '../../results/errors.ts';
import { describeIssue } from '../../results/files.ts';
import { emptyHistogram, mergeHistograms, weightedHistogram } from '../../results/histogram.ts';
import type { Histogram } from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import { visibleLine } from '../../results/visible.ts';
import { type BlockMetric, parseBlockMetric, parseFactMetric } from '../embed/names.ts';

const MAX_PROBLEMS = 5;

/** Each figure is rounded by itself. */
const ROUNDING = 0.1;
/** The last moment that a date can be. */
const LAST_DATE_MS = 8.64e15;
const EpochMs = z.number().min(0).max(LAST_DATE_MS);

/** Artillery's summary of a distribution: rounded to a tenth, quantiles with an error of up to 1 %. */
const Summary = z
  .object({
    min: z.number(),
    max: z.number(),
    count: z.int().min(1),
    mean: z.number(),
    p50: z.number(),
    p75: z.number(),
    p90: z.number(),
    p95: z.number(),
    p99: z.number(),
    p999: z.number(),
  })
  .refine(
    ({ min, mean, max }) => min <= mean + ROUNDING && mean <= max + ROUNDING,
    'the mean lies outside of the minimum and maximum',
  );
export type Summary = z.infer<typeof Summary>;

const Metrics = z.object({
  counters: z.record(z.string(), z.number()).default({}),
  summaries: z.record(z.string(), Summary).default({}),
  firstMetricAt: EpochMs.optional(),
  lastMetricAt: EpochMs.optional(),
});

const ArtilleryReport = z.object({
  aggregate: Metrics,
  intermediate: z.array(Metrics.extend({ period: z.coerce.number().min(0).max(LAST_DATE_MS) })),
});

/** Figures of one client's turn, or of a period of it. */
export class Figures {
  readonly #counters: ReadonlyMap<string, number>;
  readonly #summaries: ReadonlyMap<string, Summary>;

  constructor(counters: ReadonlyMap<string, number>, summaries: ReadonlyMap<string, Summary>) {
    this.#counters = counters;
    this.#summaries = summaries;
  }

  /** 0 for what was never counted. */
  count(name: string): number {
    return this.#counters.get(name) ?? 0;
  }

  summary(name: string): Summary | undefined {
    return this.#summaries.get(name);
  }

  /** Counts whose names begin like this, by the rest of them. */
  counts(prefix: string): [string, number][] {
    return [...this.#counters].flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value] as [string, number]] : [],
    );
  }

  countAll(prefix: string): number {
    return sumOf(this.counts(prefix), ([, value]) => value);
  }
}

export interface ReportedTurn {
  arm: string;
  block: number;
  figures: Figures;
  /** The same by Artillery's periods of 10 s, by their start in ms since the Unix epoch; in their order. */
  periods: { atMs: number; figures: Figures }[];
}

export interface ReadReport {
  startedAtMs: number;
  finishedAtMs: number;
  /** By subject, the one that most have stated first, each with how many did. */
  facts: ReadonlyMap<string, readonly { fact: unknown; count: number }[]>;
  /** By client, in the order of their names in the report, then by block. */
  turns: readonly ReportedTurn[];
}

/** @param file names it in messages. @throws UsageError that says what is wrong, where, and what was expected */
export function readArtilleryReport(text: string, file: string): ReadReport {
  const { aggregate, intermediate } = parseReport(text, file);
  const { firstMetricAt, lastMetricAt } = aggregate;
  const all = turnsIn(aggregate);
  if (all.size === 0 || firstMetricAt === undefined || lastMetricAt === undefined) {
    throw new UsageError(
      `${file} states what was to be measured, and has no turn of a client: Artillery ended before the first; expected: the report of a test that ran`,
    );
  }
  if (lastMetricAt < firstMetricAt) {
    throw new UsageError(
      `${file}: aggregate.lastMetricAt is before firstMetricAt; expected: the file as Artillery has written it`,
    );
  }
  const periods = intermediate
    .toSorted((a, b) => a.period - b.period)
    .map(metrics => ({ atMs: metrics.period, turns: turnsIn(metrics) }));
  const turns = [...all].map(([key, { arm, block, figures }]) => ({
    arm,
    block,
    figures,
    periods: periods.flatMap(({ atMs, turns: found }) => {
      const part = found.get(key);
      return part === undefined ? [] : [{ atMs, figures: part.figures }];
    }),
  }));
  return {
    startedAtMs: firstMetricAt,
    finishedAtMs: lastMetricAt,
    facts: factsIn(aggregate.counters, file),
    turns: turns.toSorted((a, b) => a.block - b.block),
  };
}

/** Of any Artillery: the first version wrote reports of another form. */
const AnyReport = z.looseObject({ aggregate: z.looseObject({ counters: z.looseObject({}).optional() }) });

/** @throws UsageError for a report in which conntax's engine has written nothing */
function requireFigures(json: unknown, file: string): void {
  const report = AnyReport.safeParse(json);
  if (!report.success) return; // the whole schema names what is wrong
  const names = Object.keys(report.data.aggregate.counters ?? {});
  if (names.some(name => parseBlockMetric(name) ?? parseFactMetric(name))) return;
  throw new UsageError(
    `${file} has no figures of conntax; expected: the report of a script with config.engines.conntax (docs/artillery.md)`,
  );
}

function parseReport(text: string, file: string): z.infer<typeof ArtilleryReport> {
  const expected = 'expected: the file that artillery run --output has written';
  if (text.trim() === '') throw new UsageError(`${file} is empty; ${expected}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // The end of what was cut off is the end of the file, whatever is missing there.
    throw new UsageError(
      `${file} is not JSON, or a part of it: ${visibleLine(errorMessage(error))}; ${expected}`,
    );
  }
  requireFigures(json, file);
  const parsed = ArtilleryReport.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, MAX_PROBLEMS)
    .map(issue => ({ file, ...describeIssue(issue) }));
  throw new UsageError(
    `${file} is not a report of Artillery: ${problems.map(({ path, message }) => `${path || 'the file'}: ${message}`).join('; ')}; ${expected}`,
    problems,
  );
}

type Turns = Map<string, BlockMetric & { figures: Figures }>;

function turnsIn({ counters, summaries }: z.infer<typeof Metrics>): Turns {
  const parts = new Map<
    string,
    { metric: BlockMetric; counters: Map<string, number>; summaries: Map<string, Summary> }
  >();
  const partOf = (metric: BlockMetric) => {
    const key = `${metric.arm} ${metric.block}`;
    const part = parts.get(key) ?? { metric, counters: new Map(), summaries: new Map() };
    parts.set(key, part);
    return part;
  };
  for (const [name, value] of Object.entries(counters)) {
    const metric = parseBlockMetric(name);
    if (metric !== undefined) partOf(metric).counters.set(metric.figure, value);
  }
  for (const [name, summary] of Object.entries(summaries)) {
    const metric = parseBlockMetric(name);
    if (metric !== undefined) partOf(metric).summaries.set(metric.figure, summary);
  }
  return new Map(
    [...parts].map(([key, part]) => [
      key,
      { ...part.metric, figures: new Figures(part.counters, part.summaries) },
    ]),
  );
}

function factsIn(counters: Readonly<Record<string, number>>, file: string): ReadReport['facts'] {
  const stated = Object.entries(counters).flatMap(([name, count]) => {
    const found = parseFactMetric(name);
    return found === undefined ? [] : [{ ...found, count }];
  });
  const facts = stated.map(({ subject, text, count }) => {
    try {
      return { subject, fact: JSON.parse(text) as unknown, count };
    } catch {
      throw new UsageError(
        `${file}: the counter conntax.about.${subject} is not followed by JSON: the report was changed after it was written`,
      );
    }
  });
  const bySubject = Map.groupBy(facts, ({ subject }) => subject);
  return new Map(
    [...bySubject].map(([subject, group]) => [subject, group.toSorted((a, b) => b.count - a.count)]),
  );
}

/**
 * Distributions of which only summaries are left, drawn again: by lines between the quantiles that are known. Count, minimum, maximum and
 * mean are those of the summaries; of a single one, its quantiles too.
 */
export function drawnFrom(summaries: readonly (Summary | undefined)[]): Histogram {
  return mergeHistograms(
    summaries.map(summary => (summary === undefined ? emptyHistogram() : drawn(summary))),
  );
}

/** Enough for every quantile that a report shows, however many times there were. */
const MAX_VALUES = 10_000;

function drawn(summary: Summary): Histogram {
  const { min, max, mean, p50, p90, p99, p999 } = summary;
  const within = (us: number): number => Math.min(max, Math.max(min, us));
  return {
    ...weightedHistogram(valuesOf(summary), { minUs: min, meanUs: mean, maxUs: max }),
    p50Us: within(p50),
    p90Us: within(p90),
    p99Us: within(p99),
    p999Us: within(p999),
  };
}

function* valuesOf(summary: Summary): Generator<{ us: number; count: number }> {
  const { count } = summary;
  const curve = curveOf(summary);
  const size = Math.min(count, MAX_VALUES);
  const before = (value: number): number => Math.floor((value * count) / size);
  for (let value = 0, part = 0; value < size; value++) {
    const share = (value + 0.5) / size;
    while (share > curve[part + 1]!.share) part++;
    const [from, to] = [curve[part]!, curve[part + 1]!];
    const us = from.us + ((share - from.share) / (to.share - from.share)) * (to.us - from.us);
    yield { us, count: before(value + 1) - before(value) };
  }
}

/** Quantiles have an error of 1 %, and so may lie outside of the range. */
function curveOf({ min, max, p50, p75, p90, p95, p99, p999 }: Summary): { share: number; us: number }[] {
  const known: [number, number][] = [
    [0, min],
    [0.5, p50],
    [0.75, p75],
    [0.9, p90],
    [0.95, p95],
    [0.99, p99],
    [0.999, p999],
    [1, max],
  ];
  return known.map(([share, us]) => ({ share, us: Math.min(max, Math.max(min, us)) }));
}
