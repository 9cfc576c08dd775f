// The audits of a cell: one line per rule and client, a summary, and a table.
import type { AUDITS, Finding } from '../../results/model/run.ts';
import type { CellView } from '../cell-view.ts';
import type { AuditLine, Table } from '../model.ts';
import { createTable, figureColumn, keyColumn, wordColumn, words } from '../tables/table.ts';

const TITLES: Record<(typeof AUDITS)[number], string> = {
  conservation: 'conservation: sent = answered + failed + unfinished',
  ledger: 'ledger: connections opened = accepted, within the range needed',
  'littles-law': "Little's law: concurrency = rate × mean time",
  'slice-length': 'slice length: windows are longer than the slowest requests',
  schedule: 'schedule: requests were sent on time and finished',
  bottleneck: 'bottleneck: CPU of generator and target',
  contention: 'contention: other programs on these cores',
  link: 'link: the relay delivered on time',
  'listen-drops': 'listen drops in the kernel',
  retransmits: 'TCP retransmits',
  steadiness: 'steady after warm-up',
  'block-spread': 'spread across slices',
  'own-stalls': 'own stalls: slow slices that other clients do not have',
  'replicate-spread': 'spread across replicates',
};

const STATE_NAMES: Record<Finding['state'], string> = { pass: 'pass', warn: 'warning', fail: 'FAIL' };
const SEVERITY: Record<Finding['state'], number> = { pass: 0, warn: 1, fail: 2 };

/** Folds findings by rule and arm, in order of first appearance. A line has the state of its worst finding. */
export function auditLines({ result: { findings } }: Pick<CellView, 'result'>): AuditLine[] {
  const groups = Map.groupBy(findings, ({ rule, arm }) => JSON.stringify([rule, arm ?? null]));
  return [...groups.values()].map(group => {
    const worst = group.reduce((worse, finding) =>
      SEVERITY[finding.state] > SEVERITY[worse.state] ? finding : worse,
    );
    const reported = worst.state === 'pass' ? [worst] : group.filter(({ state }) => state !== 'pass');
    return {
      rule: worst.rule,
      title: TITLES[worst.rule],
      state: worst.state,
      arm: worst.arm ?? null,
      checks: group.length,
      trials: reported.flatMap(({ state, trial }) =>
        state === 'pass' || trial === undefined ? [] : [trial],
      ),
      brief: describeBriefly(reported, group.length),
      details: reported.map(finding => describeFinding(finding, group.length)),
    };
  });
}

/** The first finding in full, then the other trials that it stands for. */
function describeBriefly(reported: readonly Finding[], checks: number): string {
  const [first, ...others] = reported;
  if (first === undefined) return '';
  const trials = others.flatMap(({ trial }) => trial ?? []);
  const also = trials.length === 0 ? '' : `; also in ${trials.join(', ')}`;
  return `${describeFinding(first, checks)}${also}`;
}

/** Where all pass, the first trial is given as an example. */
function describeFinding({ state, trial, detail }: Finding, checks: number): string {
  if (state !== 'pass') return trial === undefined ? detail : `${trial}: ${detail}`;
  return checks > 1 && trial !== undefined ? `all ${checks} trials, e.g. ${trial}: ${detail}` : detail;
}

export function auditTable(lines: readonly AuditLine[]): Table {
  return createTable({
    name: 'audits',
    title: 'Self-checks',
    columns: [
      keyColumn('rule', 'audit'),
      keyColumn('arm', 'client'),
      wordColumn('state', 'outcome'),
      figureColumn('failedCount', 'trials affected'),
      wordColumn('details', 'details'),
    ],
    rows: lines.map(({ rule, title, arm, state, checks, trials, details }) => [
      words(title, rule),
      words(arm ?? 'all', arm),
      words(STATE_NAMES[state], state),
      words(trials.length === 0 ? '–' : `${trials.length} of ${checks}`, { trials: [...trials], checks }),
      words(details.join('; '), [...details]),
    ]),
  });
}

/** `20 audits: 19 passed, 1 warning, 0 failures.` */
export function summarizeAudits(lines: readonly AuditLine[]): string {
  if (lines.length === 0) return 'No trial completed, so nothing was audited.';
  const count = (state: Finding['state']) => lines.filter(line => line.state === state).length;
  const counted = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`;
  return `${counted(lines.length, 'audit')}: ${count('pass')} passed, ${counted(count('warn'), 'warning')}, ${counted(count('fail'), 'failure')}.`;
}
