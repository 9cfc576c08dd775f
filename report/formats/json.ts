// Format for machines: JSON with stable names and raw numbers, and the sentences of the report.
import type {
  Answer,
  CellReport,
  Figure,
  JsonValue,
  Repetition,
  Report,
  SweepReport,
  Table,
} from '../model.ts';
import type { Format } from './format.ts';

/** Raised when a name is removed or changes its meaning; new names do not raise it. */
const SCHEMA_VERSION = 1;

export function toJson(report: Report): JsonValue {
  return {
    schemaVersion: SCHEMA_VERSION,
    runId: report.runId,
    startedAt: report.startedAt,
    state: report.state,
    title: report.title,
    subtitle: report.subtitle,
    verdict: report.verdict,
    answer: answerJson(report.answer),
    limits: report.limits === null ? null : tableJson(report.limits),
    missing: report.missing === null ? null : { ...report.missing },
    overview: report.overview === null ? null : tableJson(report.overview.table),
    headline: report.headline,
    remarks: report.remarks,
    caveats: report.caveats,
    tables: Object.fromEntries(report.tables.map(table => [table.name, tableJson(table)])),
    figures: report.figures.map(figureJson),
    sweeps: report.sweeps.map(sweepJson),
    cells: report.cells.map(cellJson),
    checks: report.checks.map(check => ({ ...check })),
    facts: report.facts.map(({ title, facts }) => ({ title, facts: facts.map(fact => ({ ...fact })) })),
  };
}

function answerJson(answer: Answer): JsonValue {
  const { limitedBy, ...others } = answer;
  return {
    ...others,
    badges: answer.badges.map(badge => ({ ...badge })),
    limitedBy: limitedBy === undefined ? null : { ...limitedBy },
  };
}

function sweepJson(sweep: SweepReport): JsonValue {
  return {
    name: sweep.name,
    question: sweep.question,
    state: sweep.state,
    answer: answerJson(sweep.answer),
    headline: sweep.headline,
    remarks: sweep.remarks,
    conditions: sweep.conditions.map(fact => ({ ...fact })),
    measures: sweep.measures.map(({ name, title, table }) => ({ name, title, ...tableJson(table) })),
    expectations: sweep.expectations === null ? null : tableJson(sweep.expectations),
    tables: sweep.special.map(table => ({ name: table.name, title: table.title, ...tableJson(table) })),
    cells: tableJson(sweep.cellTable),
    repeat: repeatJson(sweep.repeat),
    caveats: sweep.caveats,
  };
}

function repeatJson({ command, file }: Repetition): JsonValue {
  return { command, file: file === null ? null : { ...file } };
}

function cellJson(cell: CellReport): JsonValue {
  const tables = [
    cell.main,
    cell.article,
    cell.brief,
    cell.ratios,
    cell.phases,
    cell.errors,
    cell.failures,
    ...cell.special,
  ];
  return {
    cell: cell.name,
    sweep: cell.sweep === null ? null : { ...cell.sweep },
    question: cell.question,
    state: cell.state,
    answer: answerJson(cell.answer),
    headline: cell.headline,
    remarks: cell.remarks,
    replicates: cell.replicates,
    stop: { ...cell.stop },
    conditions: cell.conditions.map(fact => ({ ...fact })),
    tables: Object.fromEntries(
      tables.flatMap(table => (table === null ? [] : [[table.name, tableJson(table)]])),
    ),
    audits: cell.audits.map(audit => ({ ...audit })),
    figures: [...(cell.forest === null ? [] : [cell.forest]), ...cell.figures].map(figureJson),
    apply: cell.apply === null ? null : { ...cell.apply },
    repeat: cell.repeat === null ? null : repeatJson(cell.repeat),
    caveats: cell.caveats,
  };
}

function figureJson({ name, title, caption, table }: Figure): JsonValue {
  return { name, title, caption, ...tableJson(table) };
}

/** A row is an object by column; `marks` names the columns whose figures are marked, and how. */
function tableJson({ columns, rows, notes }: Table) {
  return {
    rows: rows.map(row => ({
      ...Object.fromEntries(columns.map(({ key }, index) => [key, row[index]?.value ?? null])),
      marks: Object.fromEntries(
        columns.flatMap(({ key }, index) => {
          const marks = row[index]?.marks ?? [];
          return marks.length === 0 ? [] : [[key, marks]];
        }),
      ),
    })),
    notes,
  };
}

const format: Format = {
  name: 'json',
  render: report => JSON.stringify(toJson(report), null, 2),
};
export default format;
