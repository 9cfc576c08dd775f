// In: a run and its trials. Out: the figures that another run can be held against: small enough to be kept in a repository.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type CellResult, Host, METRICS, type Run } from './model/run.ts';

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
  metric: z.enum(METRICS),
  candidate: z.string(),
  interval: Interval.nullable(),
  replicateRatios: z.array(z.number().min(0)),
});
export type RatioFigures = z.infer<typeof RatioFigures>;

const CellFigures = z.strictObject({
  cell: z.string(),
  conditions: z
    .string()
    .describe('Hash of target, link, load and clients: figures under others are not comparable'),
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
  const { target, link, load, clients, baseline } = scenario;
  return {
    cell,
    conditions: createHash('sha256')
      .update(JSON.stringify([target, link, load, clients]))
      .digest('hex')
      .slice(0, 16),
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
