// Baselines: the figures of a run that others are compared with, small enough to commit to a repository, and those of a run and its
// re-measurement together.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import type { Scenario } from '../scenarios/model/scenario.ts';
import { whyUnneededUnknown } from './connections.ts';
import { errorMessage, UsageError } from './errors.ts';
import { describeMisfit, listFolder, makeFolder, readTextFile, replaceFile } from './files.ts';
import { type ArmSummary, type CellResult, Git, Host, Metric, orderCell, type Run } from './model/run.ts';
import { holding, intervalOfParts } from './stats.ts';

const count = () => z.int().min(0);
const Interval = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });

const ArmFigures = z.strictObject({
  arm: z.string().describe('Name of the client'),
  completed: count().describe('Requests of the steady windows with a good status'),
  failed: count().describe('Requests of the steady windows that failed'),
  requestsSent: count().describe('Requests sent, warm-up included'),
  opened: count().describe('Connections opened, warm-up included'),
  mostNeeded: count()
    .nullable()
    .describe('The most connections that the connection policy needs; null: not known'),
  whyNeedUnknown: z.string().optional().describe('Why mostNeeded is not known'),
  requestsPerSec: Interval.nullable().describe('Centre over replicates with its interval; null: not known'),
  meanUs: z.number().min(0).describe('Mean response time'),
  p99Us: z.number().min(0).describe('99th percentile of the response time'),
  cpuUsPerRequest: z.number().min(0).describe('CPU time of the generator per request'),
});
export type ArmFigures = z.infer<typeof ArmFigures>;

const RatioFigures = z.strictObject({
  metric: Metric.describe('What is compared'),
  candidate: z.string().describe('Client that is compared with the baseline client'),
  interval: Interval.nullable().describe('Of the ratio; null when there are too few replicates for one'),
  replicateRatios: z.array(z.number().min(0)).describe('One ratio per replicate, in order'),
});
type RatioFigures = z.infer<typeof RatioFigures>;

const CellFigures = z.strictObject({
  cell: z.string().describe('Scenario, or point of its sweep'),
  conditions: z
    .string()
    .describe(
      'Hash of target, link, load, clients and several generators: figures under others are not comparable',
    ),
  baseline: z.string().describe('Client that the others are compared with'),
  arms: z.array(ArmFigures).describe("Per client, in the scenario's order"),
  ratios: z
    .array(RatioFigures)
    .describe('For each candidate, the metric that decides under the load comes first'),
});
export type CellFigures = z.infer<typeof CellFigures>;

export const RunSummary = z.strictObject({
  schemaVersion: z.literal(1).describe('Version of this format'),
  runId: z.string().describe('Id of the run'),
  startedAt: z.iso.datetime().describe('Start of the run'),
  conntax: z.string().describe('Version of conntax'),
  git: Git.nullable().describe('Commit of the folder it ran in; null outside a repository'),
  host: Host.pick({ cpuModel: true, cpuCount: true, kernel: true, node: true, packages: true }),
  cells: z.array(CellFigures),
});
export type RunSummary = z.infer<typeof RunSummary>;

export function summariseRun({ id, startedAt, conntax, git, host, cells }: Run): RunSummary {
  const { cpuModel, cpuCount, kernel, node, packages } = host;
  return {
    schemaVersion: 1,
    runId: id,
    startedAt,
    conntax,
    git,
    host: { cpuModel, cpuCount, kernel, node, packages },
    cells: cells.map(cell => cellFigures(orderCell(cell))),
  };
}

function cellFigures({ cell, scenario, arms, comparisons }: CellResult): CellFigures {
  return {
    cell,
    conditions: conditionsOf(scenario),
    baseline: scenario.baseline,
    arms: arms.map(arm => ({
      arm: arm.arm,
      completed: arm.completed,
      failed: arm.failed,
      requestsSent: arm.requestsSent,
      opened: arm.opened,
      ...neededBy(arm, scenario),
      requestsPerSec: arm.requestsPerSec,
      meanUs: arm.meanUs,
      p99Us: arm.p99Us,
      cpuUsPerRequest: arm.generatorCpuUsPerRequest ?? 0,
    })),
    ratios: comparisons.map(({ metric, candidate, ratio, replicateRatios }) => ({
      metric,
      candidate,
      interval: ratio,
      replicateRatios,
    })),
  };
}

/**
 * A digest of what two runs must have in common to be compared. A setting that came with a later version is part of it only
 * where it is used, so that stored baselines and the history keep their conditions.
 */
function conditionsOf({
  target: { faults, backends, ...target },
  link,
  limits,
  load,
  clients,
  generators = 1,
  request,
  requests,
  timing,
}: Scenario): string {
  const later = {
    backends: backends === 1 ? undefined : backends,
    faults: faults.length === 0 ? undefined : faults,
    limits,
    request,
    requests,
    slicing: timing.slicing === 'whole' ? 'whole' : undefined,
  };
  const conditions = [
    target,
    link,
    load,
    clients,
    ...(generators === 1 ? [] : [generators]),
    ...Object.entries(later).filter(([, setting]) => setting !== undefined),
  ];
  return createHash('sha256').update(JSON.stringify(conditions)).digest('hex').slice(0, 16);
}

/** A count that cannot exceed what is needed, whatever the client does, is not compared. */
function neededBy(arm: ArmSummary, scenario: Scenario): Pick<ArmFigures, 'mostNeeded' | 'whyNeedUnknown'> {
  const whyNeedUnknown = whyUnneededUnknown(arm, scenario);
  return whyNeedUnknown === null ? { mostNeeded: arm.needed.most } : { mostNeeded: null, whyNeedUnknown };
}

const FOLDER = 'baselines';
const EXTENSION = '.json';
const NAME = /^[a-z0-9][a-z0-9._-]*$/i;

export const DEFAULT_BASELINE = 'main';

/** @returns the file written. @throws UsageError for an invalid name, MeasureError if it cannot be written. */
export function saveBaseline(resultsDir: string, name: string, summary: RunSummary): string {
  const file = fileOf(resultsDir, name);
  makeFolder(join(resultsDir, FOLDER));
  replaceFile(file, `${JSON.stringify(summary, null, 2)}\n`);
  return file;
}

/** @throws UsageError if there is none of that name, listing the existing ones, or if the file is not a baseline. */
export function readBaseline(resultsDir: string, name: string): RunSummary {
  const file = fileOf(resultsDir, name);
  const text = readTextFile(file);
  if (text === undefined) {
    const names = listBaselines(resultsDir).toSorted((a, b) => distance(name, a) - distance(name, b));
    const known = names.length === 0 ? 'none is saved yet' : `known: ${names.join(', ')}`;
    throw new UsageError(
      `unknown baseline "${name}" in ${join(resultsDir, FOLDER)} (${known}); "conntax baseline save --name ${name}" saves the latest run as one`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`cannot read ${file}: ${errorMessage(cause)}`);
  }
  const parsed = RunSummary.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    describeMisfit(file, parsed.error.issues[0], {
      run: json,
      otherwise: 'is not a baseline of this conntax',
    }),
  );
}

export function listBaselines(resultsDir: string): string[] {
  return listFolder(join(resultsDir, FOLDER))
    .filter(file => file.endsWith(EXTENSION))
    .map(file => file.slice(0, -EXTENSION.length))
    .filter(name => NAME.test(name))
    .sort();
}

function fileOf(resultsDir: string, name: string): string {
  if (!NAME.test(name)) {
    throw new UsageError(
      `"${name}" is not a valid name for a baseline; expected: letters, digits, dots, dashes and underscores`,
    );
  }
  return join(resultsDir, FOLDER, `${name}${EXTENSION}`);
}

/**
 * Combines a run with one that re-measured some of its cells. Counts are added. Ratios get the interval of all replicates,
 * widened to hold the value of each run; otherwise two runs that differ would be taken for two modes of a process, and the
 * smaller one be ignored. A client's own figures, the id and the time are those of the first run. Cells that were not
 * re-measured, or under different conditions, stay as they were.
 */
export function joinRuns(first: RunSummary, fresh: RunSummary): RunSummary {
  return {
    ...first,
    cells: first.cells.map(cell => {
      const again = fresh.cells.find(
        other => other.cell === cell.cell && other.conditions === cell.conditions,
      );
      return again === undefined ? cell : joinCells(cell, again);
    }),
  };
}

function joinCells(first: CellFigures, again: CellFigures): CellFigures {
  return {
    ...first,
    arms: first.arms.map(arm => {
      const other = again.arms.find(candidate => candidate.arm === arm.arm);
      return other === undefined ? arm : joinArms(arm, other);
    }),
    ratios: first.ratios.map(ratio => {
      const other = again.ratios.find(
        ({ metric, candidate }) => metric === ratio.metric && candidate === ratio.candidate,
      );
      return other === undefined ? ratio : joinRatios(ratio, other);
    }),
  };
}

function joinRatios(first: RatioFigures, again: RatioFigures): RatioFigures {
  const replicateRatios = [...first.replicateRatios, ...again.replicateRatios];
  const own = [first, again].flatMap(({ interval }) => interval?.value ?? []);
  const joint = intervalOfParts([first, again]);
  return { ...first, replicateRatios, interval: joint === null ? null : own.reduce(holding, joint) };
}

function joinArms(first: ArmFigures, again: ArmFigures): ArmFigures {
  const whyNeedUnknown = again.whyNeedUnknown ?? first.whyNeedUnknown;
  return {
    ...first,
    ...(whyNeedUnknown === undefined ? {} : { whyNeedUnknown }),
    completed: first.completed + again.completed,
    failed: first.failed + again.failed,
    requestsSent: first.requestsSent + again.requestsSent,
    opened: first.opened + again.opened,
    mostNeeded:
      first.mostNeeded === null || again.mostNeeded === null ? null : first.mostNeeded + again.mostNeeded,
  };
}
