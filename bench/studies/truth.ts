// Prints figures of conntax beside those of independent witnesses, on standard output, and exits with 1 where one is wrong and
// nothing says so. Arguments: rows to run, by a part of their names; none: all of them, which takes about 10 minutes. The
// figures are worth something on an idle machine only.
import Table from 'cli-table3';
import { announce } from './machine.ts';
import { type Line, type Verdict, verdictOf } from './truth/lines.ts';
import type { Row } from './truth/measures.ts';
import { ROWS } from './truth/rows.ts';
import { isAlone, runAlone } from './truth/witnesses.ts';

/** A row that could not be measured is no reason to do without the others, and it is not right. */
async function linesOf({ measure }: Row): Promise<Line[]> {
  try {
    return await measure();
  } catch (error) {
    console.error(error);
    return [
      { figure: 'not measured', conntax: Number.NaN, witness: Number.NaN, by: '', within: 0, marks: [] },
    ];
  }
}

function differenceOf({ conntax, witness }: Line): string {
  return conntax === witness ? '0' : `${((conntax / witness - 1) * 100).toFixed(2)} %`;
}

async function run(names: readonly string[]): Promise<number> {
  const rows = ROWS.filter(({ name }) => names.length === 0 || names.some(part => name.includes(part)));
  await announce('Truth: figures of conntax beside those of independent witnesses');
  if (!isAlone) console.log('The kernel is no witness here: it takes root, `unshare` and `ip`.\n');
  const table = new Table({
    head: ['row', 'figure', 'conntax', 'witness', '', 'difference', 'verdict'],
    style: { head: [], border: [] },
  });
  const counts: Record<Verdict, number> = { right: 0, marked: 0, WRONG: 0 };
  for (const [index, row] of rows.entries()) {
    const startedMs = performance.now();
    for (const line of await linesOf(row)) {
      const { figure, conntax, witness, by, marks } = line;
      const verdict = verdictOf(line);
      counts[verdict]++;
      const said = verdict === 'marked' ? `marked: ${marks.join(', ')}` : verdict;
      const cells = [figure, conntax.toPrecision(5), witness.toPrecision(5), by, differenceOf(line), said];
      table.push([row.name, ...cells]);
      console.error(`  ${cells.join(' | ')}`);
    }
    const sec = ((performance.now() - startedMs) / 1_000).toFixed(0);
    console.error(`${index + 1} of ${rows.length}: ${row.name}, ${sec} s`);
  }
  console.log(table.toString());
  const { right, marked, WRONG } = counts;
  console.log(`${right + marked + WRONG} figures: ${right} right, ${marked} marked, ${WRONG} WRONG`);
  return WRONG > 0 || rows.length === 0 ? 1 : 0;
}

process.exitCode = runAlone() ?? (await run(process.argv.slice(2)));
