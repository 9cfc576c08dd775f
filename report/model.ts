// The report as plain data: every sentence chosen and every number rounded; a format only lays it out.
import type { TopLevelSpec } from 'vega-lite';
import type { AUDITS, Finding, Run, StopReason } from '../results/model/run.ts';

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/**
 * What a reader must know of a figure: it is from a failed audit, it is a ratio of arms whose error rates differ, requests
 * without an answer are in it by how long they were waited for, it is a quantile beyond which there are too few requests, or a
 * capacity that the client's own process ended. What set a client's pace is said once ("limited by").
 */
export type Mark = 'invalid' | 'unlikeErrors' | 'censored' | 'fewBeyond' | 'ownLimit';

/** One place in a table: the words for people (marks included), the raw value for machines. */
export interface TableCell {
  text: string;
  value: JsonValue;
  marks: readonly Mark[];
  /** Where the text leads, an address on the web. */
  href?: string;
}

export interface Column {
  /** Stable name for machines; ends in its unit, which is that of the raw value. */
  key: string;
  heading: string;
  /** Shown with the heading; absent for words and plain counts. */
  unit?: string;
  align: 'left' | 'right';
  /** Names the row rather than measuring it; repeated where a wide table is broken in two. */
  isKey: boolean;
}

export interface Table {
  name: string;
  title: string;
  columns: readonly Column[];
  rows: readonly (readonly TableCell[])[];
  /** Sentences below the table: what its marks mean, what a column covers. */
  notes: readonly string[];
}

export interface Fact {
  label: string;
  value: string;
}

export interface FactGroup {
  title: string;
  facts: readonly Fact[];
}

export interface Picture {
  name: string;
  title: string;
  /** How to read it, and what it shows. */
  caption: string;
  spec: TopLevelSpec;
}

/** The parts in which a page tells what was measured, in their order. */
export type SectionName = 'answer' | 'latency' | 'time' | 'connections' | 'course' | 'special';

/** A part of what a cell has to show; parts without content are left out. */
export interface CellSection {
  name: SectionName;
  title: string;
  /** Opened only where it matters. */
  isFolded: boolean;
  notes: readonly string[];
  figures: readonly Figure[];
  tables: readonly Table[];
}

/** A picture and the same figures as a table. */
export interface Figure extends Picture {
  section: SectionName;
  table: Table;
  /** Whether the table is shown without opening anything. */
  hasOpenTable?: true;
  /** The form of one figure among several of a kind, which a page sets small beside each other, with what they share said once. */
  small?: SmallFigure;
}

export interface SmallFigure {
  /** How to read all of them. */
  howToRead: string;
  /** What this one shows, in place of its caption. */
  note: string;
  /** What it is about; null if nothing. */
  link: { text: string; href: string | undefined } | null;
}

/** The outcomes of one audit for one arm, trials folded. */
export interface AuditLine {
  rule: (typeof AUDITS)[number];
  title: string;
  state: Finding['state'];
  /** null: about the cell as a whole. */
  arm: string | null;
  /** Checks that went into this line. */
  checks: number;
  /** Trials that fail or warn; empty when all pass, or when the finding is not about single trials. */
  trials: readonly string[];
  /** One sentence: the first of the details, and the trials that it stands for. */
  brief: string;
  details: readonly string[];
}

/** Red (`fail`) is for failure and disbelief alone. */
export type Tone = 'fail' | 'doubt' | 'good' | 'plain';

/** A word or two beside the answer: how far to trust it, and what limited it. */
export interface Badge {
  text: string;
  tone: Tone;
}

/** A ratio, drawn so that the right is better: places from 0 to 1 on a logarithmic axis that all rows of a table share. */
export interface Bar {
  text: string;
  /** The measured ratio with its metric, where nothing beside it says of what it is: `requests/s 0.058× (0.053 to 0.064)`. */
  named: string;
  one: number;
  value: number;
  low: number;
  high: number;
  /** Whether the interval goes on beyond the axis. */
  isLowCut: boolean;
  isHighCut: boolean;
}

/** A value on the axis of the bars, and its place from 0 to 1. */
export interface Tick {
  text: string;
  at: number;
}

/** What is to be read first: what was asked, the answer, how precise it is, and how far to trust it. */
export interface Answer {
  /** What the scenario asks; absent where there are several, or none. */
  question?: string;
  /** What each client does, by the settings in which they differ: `short: a new connection for every request. …`; absent likewise. */
  clients?: string;
  /** At most 15 words, no mark; begins with `FAIL` where a limit failed. */
  verdict: string;
  /** How precise the verdict is, or the sentence that it is short for. */
  precision: string;
  /** Load and network, and what a connection costs. */
  context: string;
  /** At most four. */
  badges: readonly Badge[];
  /** What set the pace of what was measured, beside the badges; absent where nothing was measured, or in several scenarios. */
  limitedBy?: Badge;
  /** What limits it and what to do about it, doubts first. */
  notes: readonly string[];
}

/** All that stand beside an answer: the last says what set the pace. */
export function badgesOf({ badges, limitedBy }: Pick<Answer, 'badges' | 'limitedBy'>): readonly Badge[] {
  return limitedBy === undefined ? badges : [...badges, limitedBy];
}

/** What stands with the verdict: the question, and what the clients are; empty where there are several questions. */
export function askedOf({ question = '', clients = '' }: Pick<Answer, 'question' | 'clients'>): string {
  return `${question} ${clients}`.trim();
}

/** What stands below the verdict: how precise it is, under which load and network. */
export function groundsOf({ precision, context }: Pick<Answer, 'precision' | 'context'>): string {
  return `${precision} ${context}`.trim();
}

/** Whether it says that something failed what was asked of it. */
export function isFailure({ verdict }: Pick<Answer, 'verdict'>): boolean {
  return verdict.startsWith('FAIL');
}

/** A scenario or a sweep among several, in a line. */
export interface OverviewRow {
  name: string;
  answer: Answer;
  /** The figures of two versions: `before 4,040 requests/s, mean 24.7 ms; after 4,010 requests/s, mean 24.9 ms`; null where none are compared. */
  sides: string | null;
  /** What a new connection costs: `49 µs client, 41 µs server`; null where no pair of clients tells. */
  cost: string | null;
  /** null where no single ratio answers. */
  bar: Bar | null;
}

/** Several scenarios: for a page, and for formats that show only tables. */
export interface Overview {
  rows: readonly OverviewRow[];
  /** The scale of the bars; empty where no row has one. */
  ticks: readonly Tick[];
  table: Table;
}

/** How much of what was asked for stands: `invalid` when an audit failed, `unmeasured` when there are no figures. */
export type CellState = 'sound' | 'invalid' | 'unmeasured';

export interface AppliedClient {
  title: string;
  text: string;
  /** How to have it for another library. */
  note: string;
}

export interface RepeatedFile {
  name: string;
  text: string;
  /** Runs the file with the seed of the run. */
  command: string;
  note: string;
}

/** What an interrupted run lacks, and the command that measures that. */
export interface Missing {
  text: string;
  command: string;
}

export interface Repetition {
  /** The whole run as it was typed, with its seed. */
  command: string;
  /** The scenario for a reader who has none, written when it is first read; null where a file cannot say it. */
  readonly file: RepeatedFile | null;
}

export interface CellReport {
  name: string;
  /** The sweep that it is a cell of, and where in it: `round trip 20 ms`; null for a cell that stands alone. */
  sweep: { name: string; place: string } | null;
  question: string;
  state: CellState;
  answer: Answer;
  headline: string;
  /** To be read with the headline: doubts first. */
  remarks: readonly string[];
  /** The remarks that are not among the answer's notes. */
  asides: readonly string[];
  conditions: readonly Fact[];
  stop: { reason: StopReason; text: string };
  replicates: number;
  /** The ratios of all metrics, beside which `brief` stands; null for a single client. */
  forest: Figure | null;
  /** The figures that are asked for first. */
  brief: Table;
  /** The client that the verdict speaks for; null where that is not clear. */
  apply: AppliedClient | null;
  /** null for a cell of a sweep, which is repeated as a whole, and for what another program measured. */
  repeat: Repetition | null;
  /** What follows the answer. */
  sections: readonly CellSection[];
  main: Table;
  article: Table;
  /** null with a single arm. */
  ratios: Table | null;
  phases: Table | null;
  /** What only some cells have to tell, in the order in which it is shown: right below the comparison. */
  special: readonly Table[];
  audits: readonly AuditLine[];
  auditSummary: string;
  auditTable: Table;
  /** One row for each audit that did not pass, with what to do about it; null if all passed. */
  trust: Table | null;
  /** The audits that passed, in a sentence; empty if none did. */
  passed: string;
  /** null when every exchange was answered well. */
  errors: Table | null;
  /** null when every trial completed. */
  failures: Table | null;
  figures: readonly Figure[];
  /** What the marks in the tables mean, once. */
  markNotes: readonly string[];
  caveats: readonly string[];
}

/** Something that a run is passed or failed by. `broken`: it could not be measured or believed; that is not slow. */
export interface Check {
  /** The cell. */
  group: string;
  /** What is to hold. */
  name: string;
  /** What it is about, claiming nothing: to be said with the detail where it does not hold. */
  subject: string;
  /** Whether it judges a figure, rather than whether there are figures at all. */
  isFigure: boolean;
  state: 'pass' | 'fail' | 'unsure' | 'broken';
  /** The figures behind it. */
  detail: string;
}

/** One measure over a sweep: as a table, and in pictures that hold the same figures. */
export interface SweepMeasure {
  name: string;
  title: string;
  table: Table;
  pictures: readonly Picture[];
}

/** What the cells of a sweep say together; the cells themselves are among those of the report. */
export interface SweepReport {
  name: string;
  question: string;
  state: CellState;
  answer: Answer;
  headline: string;
  /** To be read with the headline: doubts first. */
  remarks: readonly string[];
  /** null where nothing was expected. */
  expectations: Table | null;
  /** What lines and bands are, in all pictures. */
  howToRead: string;
  measures: readonly SweepMeasure[];
  /** What only some kinds of cells have to tell, of all cells together. */
  special: readonly Table[];
  /** How each cell was measured. */
  cellTable: Table;
  repeat: Repetition;
  /** What is swept, and what was the same in all cells. */
  conditions: readonly Fact[];
  /** What the marks in the tables mean, once. */
  markNotes: readonly string[];
  caveats: readonly string[];
}

export interface Report {
  title: string;
  runId: string;
  startedAt: string;
  /** When and on what it was measured. */
  subtitle: string;
  state: Run['state'];
  /** Why the run fails what it was asked, in a sentence, where it does. */
  verdict: string | null;
  answer: Answer;
  /** The limits that were missed and those that are undecided, to be read right below the answer's verdict; null where none failed. */
  limits: Table | null;
  /** null where the run has all that was asked for. */
  missing: Missing | null;
  /** null for a single scenario. */
  overview: Overview | null;
  headline: string;
  /** To be read with the headline: doubts first. */
  remarks: readonly string[];
  /** What `tables` say, in the fewest columns; null where the cells have such a table. */
  brief: Table | null;
  /** About all of it, above the cells. */
  tables: readonly Table[];
  /** What the tables say, drawn. */
  figures: readonly Figure[];
  sweeps: readonly SweepReport[];
  /** Those of a sweep one after another, in order of their values. */
  cells: readonly CellReport[];
  /** What machines go by, for every cell. */
  checks: readonly Check[];
  facts: readonly FactGroup[];
  /** Words of the method that the report uses, explained. */
  words: readonly Fact[];
  /** What limits the whole run; those of a cell are with the cell. */
  caveats: readonly string[];
  /** Those of all scenarios together, for formats that have no room for each. */
  scenarioCaveats: readonly string[];
}

/** What a report has none of that is not about the scenarios of one run. */
export const WITHOUT_CELLS = {
  limits: null,
  missing: null,
  overview: null,
  sweeps: [],
  cells: [],
  scenarioCaveats: [],
  checks: [],
  facts: [],
  words: [],
} as const satisfies Partial<Report>;
