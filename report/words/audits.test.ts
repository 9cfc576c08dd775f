// What the audits found is one row a cause, the worst first, and what passed is one sentence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../results/model/run.ts';
import type { CellView } from '../cell-view.ts';
import { auditLines, describePassed, trustTable } from './audits.ts';

function linesOf(findings: readonly Finding[]) {
  return auditLines({ result: { findings } as unknown as CellView['result'] });
}

const BUSY: Finding = {
  rule: 'bottleneck',
  state: 'warn',
  arm: 'a',
  trial: 'c/0/a',
  detail: 'client-bound (97 %)',
};
const FINDINGS: Finding[] = [
  BUSY,
  { ...BUSY, trial: 'c/1/a', detail: 'client-bound (98 %)' },
  { ...BUSY, arm: 'b', trial: 'c/0/b', detail: 'server-bound (95 %)' },
  { ...BUSY, arm: 'b', trial: 'c/1/b', state: 'pass', detail: 'neither' },
  { rule: 'ledger', state: 'warn', arm: 'b', trial: 'c/0/b', detail: 'opened 11, accepted 10' },
  { rule: 'ledger', state: 'fail', arm: 'b', trial: 'c/1/b', detail: 'opened 20, accepted 10' },
  { rule: 'retransmits', state: 'pass', arm: 'a', trial: 'c/0/a', detail: '0 segments' },
  { rule: 'conservation', state: 'pass', arm: 'a', trial: 'c/0/a', detail: '3 sent' },
  { rule: 'conservation', state: 'pass', arm: 'b', trial: 'c/0/b', detail: '3 sent' },
];

test('clients and replicates with the same cause share a row, others have their own, and a failure hides behind no warning', () => {
  const table = trustTable(linesOf(FINDINGS));
  assert.deepEqual(
    table?.rows.map(row => row.slice(0, 3).map(({ text }) => text)),
    [
      ['✗ FAIL', 'opened 20, accepted 10 (b)', '2 of 2'],
      ['! warning', 'client-bound (a)', '2 of 2'],
      ['! warning', 'server-bound (b)', '1 of 2'],
    ],
  );
  for (const row of table!.rows) assert.match(row[3]!.text, /^[A-Z].*\.$/, 'what to do');
});

test('a cause of several clients that differs in its figures alone is said once', () => {
  const wait = (arm: string, percent: number): Finding => ({
    rule: 'contention',
    state: 'warn',
    arm,
    trial: `c/0/${arm}`,
    detail: `waited ${percent} % of the time`,
  });
  const found = (...findings: Finding[]) => trustTable(linesOf(findings))?.rows[0]?.[1]?.text;
  assert.equal(found(wait('a', 40), wait('b', 30)), 'waited 40 % of the time (a and b; figures of a)');
  assert.equal(found(wait('a', 40), wait('b', 40)), 'waited 40 % of the time (a and b)');
});

test('what passed is said in a sentence, each check once', () => {
  assert.equal(describePassed(linesOf(FINDINGS)), '3 of 6 audits passed: TCP retransmits, conservation.');
  assert.equal(describePassed(linesOf([])), '');
  assert.equal(trustTable(linesOf(FINDINGS.filter(({ state }) => state === 'pass'))), null);
});
