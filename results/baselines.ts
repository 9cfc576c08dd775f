// In: the name of a baseline. Out: the summary kept under it, parsed by schema; or a new one written.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { errorMessage, UsageError } from './errors.ts';
import { issueText, listFolder, makeFolder, readText, replaceFile } from './files.ts';
import { type CellResult, Host, Metric, type Run } from './model/run.ts';

// From a run and its trials. Out: the figures that another run can be held against: small enough to be kept in a repository.

const count = () => z.int().min(0);
const Interval = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });

const ArmFigures = z.strictObject({
  arm: z.string(),
  completed: count(),
  failed: count(),
  requestsSent: count(),
  opened: count(),
  mostNeeded: count().nullable().describe('The most connections that the mode needs; null: no bound'),
  requestsPerSec: Interval.nullable(),
  meanUs: z.number().min(0),
  p99Us: z.number().min(0),
  cpuUsPerRequest: z.number().min(0),
});
export type ArmFigures = z.infer<typeof ArmFigures>;

const RatioFigures = z.strictObject({
  metric: Metric,
  candidate: z.string(),
  interval: Interval.nullable(),
  replicateRatios: z.array(z.number().min(0)),
});
export type RatioFigures = z.infer<typeof RatioFigures>;

const CellFigures = z.strictObject({
  cell: z.string(),
  conditions: z
    .string()
    .describe(
      'Hash of target, link, load, clients and several generators: figures under others are not comparable',
    ),
  baseline: z.string(),
  arms: z.array(ArmFigures),
  ratios: z.array(RatioFigures).describe('Of each candidate first the metric that decides under the load'),
});
export type CellFigures = z.infer<typeof CellFigures>;

export const RunSummary = z.strictObject({
  schemaVersion: z.literal(1),
  runId: z.string(),
  startedAt: z.iso.datetime(),
  conntax: z.string(),
  git: z.strictObject({ commit: z.string(), isDirty: z.boolean() }).nullable(),
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
    cells: cells.map(cellFigures),
  };
}

function cellFigures({ cell, scenario, arms, comparisons }: CellResult): CellFigures {
  const { target, link, load, clients, baseline, generators = 1 } = scenario;
  const conditions = [target, link, load, clients, ...(generators === 1 ? [] : [generators])];
  return {
    cell,
    conditions: createHash('sha256').update(JSON.stringify(conditions)).digest('hex').slice(0, 16),
    baseline,
    arms: arms.map(arm => ({
      arm: arm.arm,
      completed: arm.completed,
      failed: arm.failed,
      requestsSent: arm.requestsSent,
      opened: arm.opened,
      // Against what can't be seen nothing is held.
      mostNeeded: arm.openedBy === 'unknown' ? null : arm.needed.most,
      requestsPerSec: arm.requestsPerSec,
      meanUs: arm.meanUs,
      p99Us: arm.p99Us,
      cpuUsPerRequest: arm.generatorCpuUsPerRequest,
    })),
    ratios: comparisons.map(({ metric, candidate, ratio, replicateRatios }) => ({
      metric,
      candidate,
      interval: ratio,
      replicateRatios,
    })),
  };
}

const FOLDER = 'baselines';
const EXTENSION = '.json';
const NAME = /^[a-z0-9][a-z0-9._-]*$/i;

export const DEFAULT_BASELINE = 'main';

/** @returns the file written. @throws UsageError for a name that is no plain word, MeasureError when it can't be written. */
export function saveBaseline(resultsDir: string, name: string, summary: RunSummary): string {
  const file = fileOf(resultsDir, name);
  makeFolder(join(resultsDir, FOLDER));
  replaceFile(file, `${JSON.stringify(summary, null, 2)}\n`);
  return file;
}

/** @throws UsageError when there is none of that name, naming those that there are; or when it is not what we write. */
export function readBaseline(resultsDir: string, name: string): RunSummary {
  const file = fileOf(resultsDir, name);
  const text = readText(file);
  if (text === undefined) {
    const names = listBaselines(resultsDir).toSorted((a, b) => distance(name, a) - distance(name, b));
    const known = names.length === 0 ? 'there are none yet' : `known: ${names.join(', ')}`;
    throw new UsageError(
      `there is no baseline "${name}" in ${join(resultsDir, FOLDER)} (${known}); "conntax baseline save --name ${name}" makes one of the latest run`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${file} can't be read: ${errorMessage(cause)}`);
  }
  const parsed = RunSummary.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path, message } = issueText(parsed.error.issues[0]!);
  throw new UsageError(`${file} is no baseline of this conntax: ${path}: ${message}`);
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
      `"${name}" can't be the name of a baseline: letters, digits, dot, dash and underscore`,
    );
  }
  return join(resultsDir, FOLDER, `${name}${EXTENSION}`);
}
