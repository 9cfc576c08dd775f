// In: problems of scenario files. Out: one text that lists them all, by file, for a terminal.
import type { Problem } from '../../results/errors.ts';
import { visibleLine } from '../../results/visible.ts';

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Each on one line: names and error messages come from the file. */
function problemLines(problem: Problem): string[] {
  const path = visibleLine(problem.path);
  const message = visibleLine(problem.message);
  const hint = problem.hint === undefined ? undefined : visibleLine(problem.hint);
  const what = path === '' ? `  ${message}` : `  ${path}: ${message}`;
  if (hint === undefined) return [what];
  return [what, hint.startsWith('did you mean') ? `    ${hint}` : `    right would be: ${hint}`];
}

/** A headline, then per file each problem with what would be right. Order is kept. */
export function problemText(problems: readonly Problem[]): string {
  const byFile = Map.groupBy(problems, problem => problem.file);
  const head = `${counted(problems.length, 'problem')} in ${counted(byFile.size, 'scenario file')}; nothing was started.`;
  const parts = [...byFile].map(([file, found]) =>
    [visibleLine(file), ...found.flatMap(problemLines)].join('\n'),
  );
  return [head, ...parts].join('\n\n');
}
