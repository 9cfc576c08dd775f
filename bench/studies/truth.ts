// In: --only TEXT, of a row's name. Out: on standard output, figures of conntax beside those of an independent witness; exit
// status 1 where one is wrong and nothing says so. About 10 minutes; figures are worth something on an idle machine only.
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { announce } from './machine.ts';
import { ROWS } from './truth/rows.ts';
import { type Line, verdictOf } from './truth/verdict.ts';

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
await announce('Truth: figures of conntax beside those of independent witnesses');
const table = new Table({
  head: ['row', 'figure', 'conntax', 'witness', '', 'difference', 'verdict'],
  style: { head: [], border: [] },
});
const lines: Line[] = [];
for (const { name, measure } of ROWS.filter(row => row.name.includes(values.only))) {
  const found = await measure();
  for (const line of found) {
    const { figure, conntax, witness, by } = line;
    const difference = `${((conntax / witness - 1) * 100).toFixed(2)} %`;
    const verdict = verdictOf(line);
    table.push([name, figure, conntax.toPrecision(5), witness.toPrecision(5), by, difference, verdict]);
    console.error(
      `${name}: ${figure} ${conntax.toPrecision(5)} | ${witness.toPrecision(5)} ${by} | ${difference} ${verdict}`,
    );
  }
  lines.push(...found);
}
console.log(table.toString());
const wrong = lines.filter(line => verdictOf(line) === 'WRONG').length;
console.log(`${lines.length} figures, ${wrong} wrong and not marked`);
process.exitCode = wrong > 0 || lines.length === 0 ? 1 : 0;
