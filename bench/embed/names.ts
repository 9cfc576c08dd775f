// How conntax's engine for Artillery names its metrics: a report holds nothing else, so names also say what was measured.

const PREFIX = 'conntax';
/** Artillery cuts longer names, which would make two of them one. */
const LONGEST_NAME = 1_024;

/** The name of a metric of one client in one block. */
export function blockMetric(arm: string, block: number, figure: string): string {
  return `${PREFIX}.${arm}.${block}.${figure}`;
}

export interface BlockMetric {
  arm: string;
  block: number;
  figure: string;
}

/** Undefined for any other metric, such as Artillery's own. */
export function parseBlockMetric(name: string): BlockMetric | undefined {
  const [, arm, block, figure] = /^conntax\.([a-z0-9][a-z0-9-]*)\.(\d{1,9})\.(.+)$/.exec(name) ?? [];
  return figure === undefined ? undefined : { arm: arm!, block: Number(block), figure };
}

/** What a report states once: `client.short` is the client of that name. */
export type Subject = 'scenario' | 'server' | 'machine' | 'versions' | `client.${string}`;

/** A fact as the name of a counter, whose value is the number of those that state it; undefined if it is too long for one. */
export function factMetric(subject: Subject, fact: unknown): string | undefined {
  const name = `${PREFIX}.about.${subject} ${JSON.stringify(fact)}`;
  return name.length <= LONGEST_NAME ? name : undefined;
}

/** Undefined for any other metric. The text is JSON, if nobody has changed it. */
export function parseFactMetric(name: string): { subject: string; text: string } | undefined {
  const [, subject, text] = /^conntax\.about\.(\S+) (.+)$/s.exec(name) ?? [];
  return text === undefined ? undefined : { subject: subject!, text };
}

/** A client's turn, by the name of its phase. */
export interface Turn {
  arm: string;
  block: number;
}

const PHASE_NAMES = [/^(\S+) #(\d{1,9})$/, /^arm=(\S+) block=(\d{1,9})$/];

/** `short #1` and `arm=short block=1` are the first turn of short; undefined for any other name. */
export function parsePhaseName(name: string | undefined): Turn | undefined {
  for (const pattern of PHASE_NAMES) {
    const [, arm, block] = pattern.exec(name ?? '') ?? [];
    if (block !== undefined) return { arm: arm!, block: Number(block) };
  }
  return undefined;
}
