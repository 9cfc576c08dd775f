// Reports checks as annotations of a GitHub job, and appends the report to its summary.
import { appendFileSync, existsSync, statSync } from 'node:fs';
import { escapeMarkdown } from '../../report/formats/markdown.ts';
import type { Check, Report } from '../../report/model.ts';
import { reason } from '../../results/files.ts';
import type { Output } from './output.ts';

/** GitHub shows nothing of a step's summary that is longer than this. */
const MAX_SUMMARY_BYTES = 1024 * 1024;

/**
 * Within a GitHub job (`GITHUB_ACTIONS` is set), prints workflow commands for the checks that did not pass, on stderr, where the
 * runner reads them too, and appends the report to the step's summary. Elsewhere it does nothing. A failure to write the summary
 * does not change the result.
 */
export function tellGithub(report: Report, markdown: string, output: Output, env: NodeJS.ProcessEnv): void {
  if (env['GITHUB_ACTIONS'] !== 'true') return;
  for (const line of annotations(report.checks)) output.note(line);
  const file = env['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return;
  try {
    appendSummary(file, report, markdown);
  } catch (error) {
    // The figures are stored elsewhere too, so a missing summary must not fail the run.
    output.note(
      `::warning title=conntax::${message(`cannot write the job summary ${file}: ${reason(error)}`)}`,
    );
  }
}

/** @throws Error of the file system */
function appendSummary(file: string, report: Report, markdown: string): void {
  const usedBytes = existsSync(file) ? statSync(file).size : 0;
  const isTooLong = usedBytes + Buffer.byteLength(markdown) > MAX_SUMMARY_BYTES;
  appendFileSync(
    file,
    isTooLong
      ? `**${escapeMarkdown(report.answer.verdict)}**\n\nThe report is too long for a job summary: see the artifact.\n`
      : markdown,
  );
}

/** One annotation per failed check, and one for all unsure checks together. */
export function annotations(checks: readonly Check[]): string[] {
  const failures = checks
    .filter(({ state }) => state === 'fail' || state === 'broken')
    .map(
      ({ group, subject, detail }) =>
        `::error title=${property(`conntax: ${group}`)}::${message(`${subject}: ${detail}`)}`,
    );
  const unsure = describeUnsure(checks);
  return unsure === '' ? failures : [...failures, `::warning title=conntax::${message(unsure)}`];
}

/** `11 of 18 figures: unsure; not compared: ...`. */
function describeUnsure(checks: readonly Check[]): string {
  const unsure = checks.filter(({ state }) => state === 'unsure');
  const figures = unsure.filter(({ isFigure }) => isFigure);
  const count = checks.filter(({ isFigure }) => isFigure).length;
  return [
    ...(figures.length === 0 ? [] : [`${figures.length} of ${count} figures: unsure`]),
    ...unsure.filter(({ isFigure }) => !isFigure).map(({ subject, detail }) => `${subject}: ${detail}`),
  ].join('; ');
}

/** Escapes what would end the workflow command or begin another. */
function message(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return message(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
