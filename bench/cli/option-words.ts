// Words problems of scenarios whose authors wrote options in place of a file, by those options: of `try`, and of a server's --start.
import { MeasureError, type Problem, UsageError } from '../../results/errors.ts';
import { own } from '../../scenarios/model/facts.ts';
import { describeMissing, variableNamed } from '../clients/request.ts';
import { formatProblems } from '../plan/read-scenarios.ts';
import { OF_PASSPHRASE, PASSPHRASE_SETTING, PROXY_SETTING, PROXY_URL } from '../run/reach.ts';
import type { StartOptions } from './versions.ts';

/** Options of `try`, by the setting that each sets. */
const TRY_OPTIONS: Readonly<Record<string, string>> = {
  'target.url': 'the URL',
  'target.caFile': '--cacert',
  'target.certFile': '--cert',
  'target.keyFile': '--key',
  'target.passphrase': '--pass',
  'target.insecure': '--insecure',
  'target.serverName': '--server-name',
  'target.socketPath': '--unix-socket',
  'target.proxy': '-x',
  'target.expectStatus': '--expect-status',
  'request.method': '-X',
  'request.body': '-d',
  'request.headers': '-H',
  'load.concurrency': '-c',
  'load.ratePerSec': '--rate',
  'timing.budgetMs': '--budget-sec',
};

/** A whole setting, with the word `target` or `request` before it or, if no English word is like it, without. */
const SETTING =
  /\b(?:(target|request|load|timing)\.)?(url|caFile|certFile|keyFile|passphrase|insecure|serverName|socketPath|proxy|expectStatus|method|bodyFile|body|headers|concurrency|ratePerSec|budgetMs)\b/g;
const TARGET_FILES = new Set(['caFile', 'certFile', 'keyFile', 'serverName', 'socketPath']);

/** Which option named the file of the body. */
export type BodyOption = '-d' | '--data-file';

/** A text with the options in place of settings. */
export function inOptions(text: string, bodyOption: BodyOption = '--data-file'): string {
  return text
    .replaceAll(/\btarget\.expectStatus with (?=\d)/g, '--expect-status ')
    .replaceAll(PASSPHRASE_SETTING, '--pass with its passphrase')
    .replaceAll(OF_PASSPHRASE, 'in --pass')
    .replaceAll(PROXY_SETTING, '-x')
    .replaceAll(new RegExp(describeMissing('\\w+', ''), 'g'), 'the value is empty')
    .replaceAll(variableNamed(PROXY_URL), 'the URL')
    .replaceAll(/\btransport: (?=[a-z])/g, '--client ')
    .replaceAll(/\brequest\.headers\.([\w-]+|"[^"]*")/g, '-H $1')
    .replaceAll(SETTING, (whole: string, section: string | undefined, name: string) => {
      if (section === undefined && !TARGET_FILES.has(name)) return whole;
      if (name === 'bodyFile') return bodyOption;
      return TRY_OPTIONS[`${section ?? 'target'}.${name}`] ?? whole;
    });
}

/** All clients of a try have the same library, so a mistake of one is a mistake of `--client`. */
function placeOf(path: string, bodyOption: BodyOption): string {
  return /^clients\.[^.]+\./.test(path) ? '--client' : inOptions(path, bodyOption);
}

/** What the option at a place takes: a value of a client's own setting, before another library, is not an option of `try`. */
function hintAt(place: string, hint: string): string {
  const said = inOptions(hint);
  return place === '--client' ? said.replace(/^\w+: \d+, or (?=--client )/, '') : said;
}

/** One mistake is said once, even if several clients or scenarios have it. No file is spoken of where all are mistakes of options. */
function errorOf(problems: readonly Problem[], commandLine: string, cause: UsageError): UsageError {
  const once = [...new Map(problems.map(problem => [JSON.stringify(problem), problem])).values()];
  const text = formatProblems(once);
  const isAllOptions = once.every(({ file }) => file === commandLine);
  return new UsageError(isAllOptions ? text.replace(' in 1 scenario file', '') : text, once, { cause });
}

/** The error as the author of a `try` understands it; any other is returned as it is. */
export function errorInOptions(error: unknown, bodyOption: BodyOption = '--data-file'): unknown {
  if (error instanceof MeasureError)
    return new MeasureError(error.code, inOptions(error.message, bodyOption), { cause: error });
  if (!(error instanceof UsageError)) return error;
  if (error.problems.length === 0)
    return new UsageError(inOptions(error.message, bodyOption), [], { cause: error });
  const file = 'conntax try';
  const said = error.problems.map(problem => {
    const path = placeOf(problem.path, bodyOption);
    return {
      file,
      path,
      message: inOptions(problem.message, bodyOption),
      ...(problem.hint === undefined ? {} : { hint: hintAt(path, problem.hint) }),
    };
  });
  return errorOf(said, file, error);
}

/** Options for a server that --start starts, by the setting that each sets. */
const START_OPTIONS: Readonly<Record<string, string>> = {
  'target.command': '--start',
  'target.ready': '--ready',
  'target.portEnv': '--port-env',
  'target.portFrom': '--port-from',
  'request.path': '--path',
};

/** The error with options in place of the settings that they stand for; any other is returned as it is. */
export function startErrorInOptions(error: unknown, options: StartOptions): unknown {
  if (!(error instanceof UsageError) || error.problems.length === 0) return error;
  const file = 'the command line';
  const said = error.problems.map(problem => {
    const option = own(START_OPTIONS, problem.path);
    const isGiven = problem.path !== 'request.path' || options.path !== undefined;
    return option !== undefined && isGiven ? { ...problem, file, path: option } : problem;
  });
  return errorOf(said, file, error);
}
