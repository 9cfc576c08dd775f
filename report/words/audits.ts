// The audits of a cell: one line per rule and client, a summary, and a table.
import { groupSimilar } from '../../results/audits/index.ts';
import { joinWords } from '../../results/figures.ts';
import type { AUDITS, Finding } from '../../results/model/run.ts';
import type { CellView } from '../cell-view.ts';
import type { AuditLine, Table } from '../model.ts';
import { figureColumn, keyColumn, tabulate, wordColumn, words } from '../tables/table.ts';
import { formatQuantity } from './numbers.ts';

const TITLES: Record<(typeof AUDITS)[number], string> = {
  conservation: 'conservation: sent = answered + failed + unfinished',
  ledger: 'ledger: connections opened = accepted, within the range needed',
  faults: 'faults: failures counted = faults injected',
  'littles-law': "Little's law: concurrency = rate × mean time",
  'slice-length': 'slice length: windows are longer than the slowest requests',
  schedule: 'schedule: requests were sent on time and finished',
  bottleneck: 'bottleneck: CPU of client and server',
  contention: 'contention: other programs on these cores',
  throttling: 'throttling: no process waited for CPU time of its container',
  link: 'link: the relay delivered on time',
  'listen-drops': 'listen drops in the kernel',
  retransmits: 'TCP retransmits',
  steadiness: 'steady after warm-up',
  'block-spread': 'spread across slices',
  stopped: 'stopped: no process was stopped and continued',
  answers: 'answers: each request of the scenario had a good one',
  changes: 'changes: server and clients are the same throughout a replicate',
  'own-stalls': 'own stalls: slow slices that other clients do not have',
  'replicate-spread': 'spread across replicates',
  closing: 'closing: the client closes without an error',
  machines: 'machines: their slices began together',
  imported: 'imported: as precise as what conntax measures itself',
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
    const reported =
      worst.state === 'pass'
        ? [worst]
        : group
            .filter(({ state }) => state !== 'pass')
            .toSorted((a, b) => SEVERITY[b.state] - SEVERITY[a.state]);
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

/** What to do where an audit does not pass. */
const ADVICE: Record<(typeof AUDITS)[number], string> = {
  conservation: 'Do not use these figures; report it as a bug, with the folder of the run.',
  ledger: 'Check the settings of the pool, and whether other programs use the server.',
  'littles-law': 'Do not use the rates; repeat on a quiet machine.',
  'slice-length': 'Measure in longer slices.',
  schedule: 'Lower the rate, or use several generators.',
  bottleneck:
    'Read rates and latencies as those of the side at its limit; CPU per request does not depend on it.',
  contention: 'Close other programs and repeat.',
  throttling:
    'Raise the CPU limit of the container, or lower the load; where clients take turns, one may have used up the time of the next.',
  faults: 'Look for failures beside the injected ones, such as timeouts on a busy machine.',
  link: 'Close other programs, or emulate a longer round trip.',
  'listen-drops': 'Raise net.core.somaxconn, or lower the concurrency.',
  retransmits: 'Look for lost packets, and on loopback for a full accept queue.',
  steadiness: 'Warm up for longer.',
  'block-spread': 'Measure for longer (--budget-sec), on a quiet machine.',
  stopped: 'Repeat, and let it run without a stop.',
  answers:
    'Fix the request or the server. If this status is intended, list it in target.expectStatus; if the request is meant to fail, add an expectation on successRatio.',
  changes: 'Look for what changed, such as a deployment, a cache or a limit, and repeat.',
  'own-stalls': 'Look for pauses of this client, such as garbage collection or timers.',
  'replicate-spread': 'Measure more replicates (--budget-sec), on a quiet machine.',
  machines:
    'Look at the network to this machine, and at what else runs on it; longer round trips than some ms need a machine nearer to the run.',
  imported: 'Use many turns; for small differences, conntax run.',
  closing: "Fix the module's close(): a service that uses the client like this leaks its connections.",
};

const SIGNS: Record<Finding['state'], string> = { pass: '✓', warn: '! warning', fail: '✗ FAIL' };

/** One row for each cause for which an audit did not pass, failures first; null if all passed. */
export function trustTable(lines: readonly AuditLine[]): Table | null {
  const groups = [
    ...Map.groupBy(
      lines.filter(({ state }) => state !== 'pass'),
      ({ rule }) => rule,
    ).values(),
  ].flatMap(group => groupSimilar(group, bareDetail));
  if (groups.length === 0) return null;
  const worstOf = (group: readonly AuditLine[]): Finding['state'] =>
    group.some(({ state }) => state === 'fail') ? 'fail' : 'warn';
  const worstFirst = groups.toSorted((a, b) => SEVERITY[worstOf(b)] - SEVERITY[worstOf(a)]);
  return tabulate(worstFirst, {
    name: 'trust',
    title: 'What to know about these figures',
    columns: [
      [wordColumn('state', 'outcome'), group => words(SIGNS[worstOf(group)], worstOf(group))],
      [keyColumn('cause', 'what was found'), group => words(describeCause(group), group[0]!.rule)],
      [
        wordColumn('trials', 'replicates'),
        group =>
          words(
            countTrials(group),
            group.flatMap(({ trials }) => [...trials]),
          ),
      ],
      [wordColumn('advice', 'what to do'), group => words(ADVICE[group[0]!.rule])],
    ],
  });
}

/** What was found first, without the trial and its figures. */
function bareDetail({ details: [first = ''], trials: [trial] }: AuditLine): string {
  return (trial === undefined ? first : first.replace(`${trial}: `, '')).replace(/ \([^()]*\)$/, '');
}

/** `client-bound: the figures reflect … (short and persistent; figures of short)`. */
function describeCause(group: readonly AuditLine[]): string {
  const first = bareDetail(group[0]!);
  const arms = group.flatMap(({ arm }) => arm ?? []);
  const isOfFirst = group.some(line => bareDetail(line) !== first);
  return arms.length === 0
    ? first
    : `${first} (${joinWords(arms)}${isOfFirst ? `; figures of ${arms[0]}` : ''})`;
}

/** `3 of 3`, the most of any client. */
function countTrials(group: readonly AuditLine[]): string {
  const most = group.reduce((more, line) => (line.trials.length > more.trials.length ? line : more));
  return most.trials.length === 0 ? 'over all' : `${most.trials.length} of ${most.checks}`;
}

/** `18 of 24 audits passed: conservation, ledger, ….`; empty if none did. */
export function describePassed(lines: readonly AuditLine[]): string {
  const passed = lines.filter(({ state }) => state === 'pass');
  const names = [...new Set(passed.map(({ title }) => title.replace(/:.*/, '')))];
  if (passed.length === 0) return '';
  const which =
    passed.length === lines.length
      ? `All ${passed.length} audits passed`
      : `${passed.length} of ${lines.length} audits passed`;
  return `${which}: ${names.join(', ')}.`;
}

export function auditTable(lines: readonly AuditLine[]): Table {
  return tabulate(lines, {
    name: 'audits',
    title: 'Self-checks',
    columns: [
      [keyColumn('rule', 'audit'), ({ title, rule }) => words(title, rule)],
      [keyColumn('arm', 'client'), ({ arm }) => words(arm ?? 'all', arm)],
      [wordColumn('state', 'outcome'), ({ state }) => words(STATE_NAMES[state], state)],
      [
        figureColumn('failedCount', 'trials affected'),
        ({ trials, checks }) =>
          words(trials.length === 0 ? '–' : `${trials.length} of ${checks}`, { trials: [...trials], checks }),
      ],
      [wordColumn('details', 'details'), ({ details }) => words(details.join('; '), [...details])],
    ],
  });
}

/** `20 audits: 19 passed, 1 warning, 0 failures.` */
export function summarizeAudits(lines: readonly AuditLine[]): string {
  if (lines.length === 0) return 'No trial completed, so nothing was audited.';
  const count = (state: Finding['state']) => lines.filter(line => line.state === state).length;
  return `${formatQuantity(lines.length, 'audit')}: ${count('pass')} passed, ${formatQuantity(count('warn'), 'warning')}, ${formatQuantity(count('fail'), 'failure')}.`;
}
