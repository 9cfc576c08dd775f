// In: the findings of a cell. Out: one line a rule and arm, and the same as a table.
import type { AUDITS, Finding } from '../../results/model/run.ts';
import type { CellView } from '../cell-view.ts';
import type { AuditLine, Table } from '../model.ts';
import { createTable, figureColumn, keyColumn, wordColumn, words } from '../tables/table.ts';

const TITLES: Record<(typeof AUDITS)[number], string> = {
  conservation: 'conservation: sent = answered + failed + unfinished',
  ledger: 'ledger: connections opened = accepted, within what is needed',
  'littles-law': "Little's law: concurrency = rate × mean time",
  'slice-length': 'slice length: windows hold the slowest requests',
  schedule: 'schedule: requests went when they were due, and ended',
  bottleneck: 'bottleneck: CPU of generator and target',
  contention: 'contention: who else ran on these cores',
  link: 'link: the relay kept its times',
  'listen-drops': 'listen drops in the kernel',
  retransmits: 'TCP retransmits',
  steadiness: 'steady after warm-up',
  'block-spread': 'spread over slices',
  'own-stalls': 'own stalls: slow slices that other arms do not have',
  'replicate-spread': 'spread over replicates',
};

const STATE_WORDS: Record<Finding['state'], string> = { pass: 'pass', warn: 'warning', fail: 'FAIL' };
const GRAVITY: Record<Finding['state'], number> = { pass: 0, warn: 1, fail: 2 };

/** Folded by rule and arm, in order of first appearance. A line is as grave as its gravest finding. */
export function auditLines({ result: { findings } }: Pick<CellView, 'result'>): AuditLine[] {
  const groups = Map.groupBy(findings, ({ rule, arm }) => JSON.stringify([rule, arm ?? null]));
  return [...groups.values()].map(group => {
    const gravest = group.reduce((worst, finding) =>
      GRAVITY[finding.state] > GRAVITY[worst.state] ? finding : worst,
    );
    const told = gravest.state === 'pass' ? [gravest] : group.filter(({ state }) => state !== 'pass');
    return {
      rule: gravest.rule,
      title: TITLES[gravest.rule],
      state: gravest.state,
      arm: gravest.arm ?? null,
      checks: group.length,
      trials: told.flatMap(({ state, trial }) => (state === 'pass' || trial === undefined ? [] : [trial])),
      brief: briefText(told, group.length),
      details: told.map(finding => detailText(finding, group.length)),
    };
  });
}

/** The first figures, and every trial that they stand for. */
function briefText(told: readonly Finding[], checks: number): string {
  const [first, ...others] = told;
  if (first === undefined) return '';
  const trials = others.flatMap(({ trial }) => trial ?? []);
  const also = trials.length === 0 ? '' : `; so, too, in ${trials.join(', ')}`;
  return `${detailText(first, checks)}${also}`;
}

/** Where all pass, the first stands for the others, and says so. */
function detailText({ state, trial, detail }: Finding, checks: number): string {
  if (state !== 'pass') return trial === undefined ? detail : `${trial}: ${detail}`;
  return checks > 1 && trial !== undefined ? `all ${checks} trials; ${trial}: ${detail}` : detail;
}

export function auditTable(lines: readonly AuditLine[]): Table {
  return createTable({
    name: 'audits',
    title: 'Audits: the run checks itself',
    columns: [
      keyColumn('rule', 'check'),
      keyColumn('arm', 'arm'),
      wordColumn('state', 'outcome'),
      figureColumn('failedCount', 'trials not passing'),
      wordColumn('details', 'figures'),
    ],
    rows: lines.map(({ rule, title, arm, state, checks, trials, details }) => [
      words(title, rule),
      words(arm ?? 'all', arm),
      words(STATE_WORDS[state], state),
      words(trials.length === 0 ? '–' : `${trials.length} of ${checks}`, { trials: [...trials], checks }),
      words(details.join('; '), [...details]),
    ]),
  });
}

/** `18 audits: 17 pass, 1 warns, none fails`. */
export function auditSummary(lines: readonly AuditLine[]): string {
  if (lines.length === 0) return 'No trial completed, so there was nothing to audit.';
  const count = (state: Finding['state']) => lines.filter(line => line.state === state).length;
  const some = (n: number, verb: string) => `${n === 0 ? 'none' : n} ${n > 1 ? verb : `${verb}s`}`;
  return `${lines.length} audits: ${count('pass')} pass, ${some(count('warn'), 'warn')}, ${some(count('fail'), 'fail')}.`;
}
