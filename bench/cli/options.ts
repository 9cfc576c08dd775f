// What the options of several commands share: defaults, parsers of values, and the options themselves.
import { isIPv4 } from 'node:net';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../results/errors.ts';
import { hideCredentials } from '../../scenarios/model/request.ts';
import { PORT_SOURCES } from '../../scenarios/model/target.ts';
import { LONGEST_DURATION_MS } from '../../scenarios/model/values.ts';
import { parseHost } from '../plan/allowed-hosts.ts';

const SIDES = ['client', 'target'] as const;
export type Side = (typeof SIDES)[number];

/** Defaults of the options of `try`. */
export const TRY_DEFAULTS = { header: [], concurrency: 20, client: 'undici', budgetSec: 60 } as const;

/** Collects a repeatable option with a host. */
function addHost(text: string, hosts: readonly string[]): string[] {
  const host = parseHost(text);
  if (host === undefined) {
    throw new InvalidArgumentError('Expected: a host name or address, without scheme, port or path.');
  }
  return [...hosts, host];
}

/** A parser of a number that must pass `test`; `what` says in the error what was expected. */
function number(test: (value: number) => boolean, what: string): (text: string) => number {
  return text => {
    const value = Number(text);
    if (text.trim() === '' || !test(value)) throw new InvalidArgumentError(`Expected: ${what}.`);
    return value;
  };
}

function isWholeBetween(least: number, most: number): (value: number) => boolean {
  return value => Number.isInteger(value) && value >= least && value <= most;
}

export const asPort = number(isWholeBetween(1, 65_535), 'a port number');
export const asPortOrAny = number(isWholeBetween(0, 65_535), 'a port number');
export const asProcessId = number(isWholeBetween(1, Infinity), 'a process id');
export const asUsers = number(isWholeBetween(1, 10_000), 'a whole number from 1 to 10000');
export const asRatePerSec = number(n => n >= 0.1 && n <= 1_000_000, 'a number from 0.1 to 1000000');
export const asIntervalMs = number(n => n >= 50 && n <= 60_000, 'a number of milliseconds from 50 to 60000');

/** Seconds that a budget may have. */
export const asSeconds = number(
  n => n >= 0.001 && n * 1_000 <= LONGEST_DURATION_MS,
  `a number of seconds above 0 and at most ${LONGEST_DURATION_MS / 1_000}`,
);

/** Above 0, at most 1. */
export const asRatio = number(n => n > 0 && n <= 1, 'a number above 0 and at most 1');

/** An address that a server can listen on, and others reach. */
function asAddress(text: string): string {
  if (isIPv4(text) && text !== '0.0.0.0') return text;
  throw new InvalidArgumentError('Expected: an IPv4 address, such as 10.0.0.5.');
}

export function collect(text: string, texts: readonly string[]): string[] {
  return [...texts, text];
}

/** `200`, or a class such as `3xx`. */
export function addStatus(text: string, statuses: readonly (number | string)[] = []): (number | string)[] {
  if (!/^(?:[2-5]xx|[2-5]\d\d)$/.test(text))
    throw new InvalidArgumentError('Expected: a status such as 404, or a class such as 3xx.');
  return [...statuses, /^\d+$/.test(text) ? Number(text) : text];
}

const MAX_PORT = 65_535;

/** The URL of a server as a user types it. @throws UsageError for what is not a URL of http or https */
export function parseServerUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  const shown = hideCredentials(address);
  const port = /^(?:https?:\/\/)?[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(address)?.[1];
  if (port !== undefined && Number(port) > MAX_PORT)
    throw new UsageError(
      `${shown} is not a URL of a server: its port is ${port}, and ports end at ${MAX_PORT}; expected: such as http://127.0.0.1:3000/health`,
    );
  const hint = /^[\w.-]+(?::\d+)?(?:\/|$)/.test(address) ? `http://${shown}` : 'http://127.0.0.1:3000/health';
  throw new UsageError(`${shown} is not a URL of a server; expected: such as ${hint}`);
}

/** For every command that measures. */
export function seedOption(): Option {
  return new Option('--seed <n>', 'seed of the random order of slices and requests').argParser(
    number(Number.isSafeInteger, 'an integer'),
  );
}

/** Adds what every command that measures or reads a run has for its result. */
export function addResultOptions(
  command: Command,
  {
    stored = 'runs are',
    shows = 'report',
    ui = [],
  }: { stored?: string; shows?: string; ui?: readonly Option[] } = {},
): Command {
  command
    .option('--results <dir>', `folder where ${stored} stored`, 'results')
    .option('--verbose', 'print every table, not only the answer')
    .option('--open', 'show the page in a browser');
  for (const option of ui) command.addOption(option);
  return command.option('--json', `print the ${shows} as JSON`);
}

/** For every command that measures and shows one report. */
export function uiOption(): Option {
  return new Option(
    '--ui',
    'serve the page on 127.0.0.1 and update it after each replicate; with --open, show it at once',
  );
}

/** For every command that measures. */
export function allowHostOption(): Option {
  return new Option(
    '--allow-host <host>',
    'allow load to be sent to this host (repeatable; loopback is always allowed)',
  )
    .argParser(addHost)
    .default([], 'none');
}

/** Adds the options of the commands that measure and for which other machines may send the load. */
export function addMachineOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--machine <command>',
        "send the load from the machine that this command reaches, such as 'ssh gen1 npx conntax agent' (repeatable)",
      )
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--machines <file>', 'JSON file of further machines: name, command, cores and weight of each')
    .option(
      '--allow-fewer-machines',
      'continue with the other machines when one is lost; default: the run ends with status 3',
    )
    .option(
      '--server <command>',
      "read the server's kernel and processes on the machine that this command reaches, such as 'ssh web1 npx conntax agent'",
    )
    .option('--watch-port <n>', 'port of the server on that machine; default: that of its URL', asPort)
    .addOption(
      new Option(
        '--server-address <address>',
        "start conntax's own target on the machine of --server, at this IPv4 address",
      ).argParser(asAddress),
    );
}

/** Scenarios of the commands that compare two versions. */
export const DEFAULT_COMPARED =
  'names, tags or paths; default: the persistent clients of sequential (1 user) and short-vs-persistent (100 users); with --start: both clients of short-vs-persistent';

/** Adds the options of the commands that compare two versions of a server of the user's own. */
export function addStartOptions(command: Command): Command {
  return command
    .option('--start <command>', "starts your server in the folder of each version, such as 'npm start'")
    .option('--install <command>', "command to run in the checkout of each ref or commit, such as 'npm ci'")
    .option('--cwd <dir>', 'subfolder of each version in which --start and --install run')
    .option('--ready <path>', "path that answers when the server is ready; default: any answer to '/'")
    .option('--port-env <name>', 'environment variable that gives the server its port; default: PORT')
    .addOption(
      new Option(
        '--port-from <source>',
        'whether conntax chooses the port, or reads it from the output',
      ).choices(PORT_SOURCES),
    )
    .option('--path <path>', "path to request; default: that of the scenario, or '/'");
}

/** For the commands that compare two versions. */
export function sideOption(): Option {
  return new Option('--side <side>', 'which side runs both versions; the other side runs this conntax')
    .choices(SIDES)
    .default('client');
}

/** Smallest change that counts, for each command that looks for changes. */
export function minEffectOption(byDefault: number): Option {
  return new Option(
    '--min-effect <ratio>',
    `smallest change that counts; default: ${byDefault} (${byDefault * 100} %)`,
  ).argParser(asRatio);
}
