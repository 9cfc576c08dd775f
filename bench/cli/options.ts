// Command-line options: parsers of their values, and the commands other than `run`.
import { isIPv4 } from 'node:net';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { METHODS } from '../../scenarios/model/request.ts';
import { PORT_SOURCES } from '../../scenarios/model/target.ts';
import { parseHost } from '../plan/allowed-hosts.ts';
import type { Context } from './context.ts';
import { LEAST_EFFECT, SIDES, TRY_DEFAULTS } from './option-defaults.ts';

/** Collects a repeatable option with a host. */
function addHost(text: string, hosts: readonly string[]): string[] {
  const host = parseHost(text);
  if (host === undefined) {
    throw new InvalidArgumentError('Expected: a host name or address, without scheme, port or path.');
  }
  return [...hosts, host];
}

/** A parser of a number that must pass `test`; `what` says in the error what was expected. */
export function number(test: (value: number) => boolean, what: string): (text: string) => number {
  return text => {
    const value = Number(text);
    if (text.trim() === '' || !test(value)) throw new InvalidArgumentError(`Expected: ${what}.`);
    return value;
  };
}

/** Seconds that a budget may have. */
export const asSeconds = number(
  n => n >= 0.001 && n <= 3_600,
  'a number of seconds above 0 and at most 3600',
);

/** Of every command that measures. */
export function seedOption(): Option {
  return new Option('--seed <n>', 'seed of the random order of slices and requests').argParser(
    number(Number.isSafeInteger, 'an integer'),
  );
}

/** Of every command that shows the report of a run. */
export function verboseOption(): Option {
  return new Option('--verbose', 'print every table, not only the answer');
}

/** Of every command that stores a page. */
export function openOption(): Option {
  return new Option('--open', 'show the page in a browser');
}

/** Adds what every command has that shows, as a report, what is stored. */
function addStoredOptions(
  command: Command,
  { shows = 'report', stored = 'runs are' }: { shows?: string; stored?: string } = {},
): Command {
  return command
    .option('--results <dir>', `folder where ${stored} stored`, 'results')
    .addOption(verboseOption())
    .addOption(openOption())
    .option('--json', `print the ${shows} as JSON`);
}

/** Of every command that measures and shows one report. */
export function uiOption(): Option {
  return new Option(
    '--ui',
    'serve the page on 127.0.0.1 and update it after each replicate; with --open, show it at once',
  );
}

/** Of every command that measures. */
export function allowHostOption(): Option {
  return new Option(
    '--allow-host <host>',
    'allow load to be sent to this host (repeatable; loopback is always allowed)',
  )
    .argParser(addHost)
    .default([], 'none');
}

/** An address that a server can listen on, and others reach. */
function asAddress(text: string): string {
  if (isIPv4(text) && text !== '0.0.0.0') return text;
  throw new InvalidArgumentError('Expected: an IPv4 address, such as 10.0.0.5.');
}

/** Of the commands that measure, where other machines may send the load. */
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
    .option(
      '--watch-port <n>',
      'port of the server on that machine; default: that of its URL',
      number(n => Number.isInteger(n) && n > 0 && n <= 65_535, 'a port number'),
    )
    .addOption(
      new Option(
        '--server-address <address>',
        "start conntax's own target on the machine of --server, at this IPv4 address",
      ).argParser(asAddress),
    );
}

/** Adds the command that others start on the machines of a run. */
export function addAgentCommand(program: Command, context: Context): void {
  program
    .command('agent')
    .description('send load for a run that another machine started with --machine')
    .addHelpText(
      'after',
      `
Do not start it by hand: conntax run --machine 'ssh gen1 npx conntax agent' starts it there, and talks to it over standard
input and output. It exits when its input ends, and ends all processes that it started. It opens no port.

Example:
  conntax run ./your-server.json --allow-host web1 --machine 'ssh gen1 npx conntax agent' --machine 'ssh gen2 npx conntax agent'`,
    )
    .action(async () => {
      const { agentCommand } = await import('./agent.ts');
      await agentCommand(context);
    });
}

/** Scenarios of the commands that compare two versions. */
const DEFAULT_COMPARED =
  'names, tags or paths; default: the persistent clients of sequential (1 user) and short-vs-persistent (100 users); with --start: both clients of short-vs-persistent';

/** Of the commands that compare two versions. */
function sideOption(): Option {
  return new Option('--side <side>', 'which side runs both versions; the other side runs this conntax')
    .choices(SIDES)
    .default('client');
}

/** Of the commands that compare two versions. */
function leastEffectOption(): Option {
  return new Option(
    '--min-effect <ratio>',
    `smallest change that counts; default: ${LEAST_EFFECT} (${LEAST_EFFECT * 100} %)`,
  ).argParser(asRatio);
}

/** Above 0, at most 1. */
export const asRatio = number(n => n > 0 && n <= 1, 'a number above 0 and at most 1');

/** Adds the command that observes a process of someone else. */
export function addWatchCommand(
  program: Command,
  context: Context,
  setStatus: (status: number) => void,
): void {
  program
    .command('watch')
    .description('observe the sockets of a running process, and report whether it leaks connections')
    .option(
      '--pid <n>',
      'id of the process',
      number(n => Number.isInteger(n) && n > 0, 'a process id'),
    )
    .option(
      '--port <n>',
      'only sockets with this local or remote port; without --pid, those of the whole machine',
      number(n => Number.isInteger(n) && n > 0 && n <= 65_535, 'a port number'),
    )
    .option('--for-sec <s>', 'how long to observe, in seconds', asSeconds, 60)
    .option(
      '--every-ms <ms>',
      'time between observations',
      number(n => n >= 50 && n <= 60_000, 'a number of milliseconds from 50 to 60000'),
      500,
    )
    .option('--json', 'print levels, slopes and verdicts as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax watch --pid 4711                 every socket of a process, by state and peer
  conntax watch --port 5432 --for-sec 600  connections of this machine to a database
  conntax watch --pid "$(pgrep -f server.js)" --json > watched.json

No load is sent, and the process is not touched. Exit status: 0 nothing leaks, 1 a leak, 2 wrong usage,
3 too few observations for a verdict.`,
    )
    .action(async options => {
      const { watchCommand } = await import('./watch.ts');
      setStatus(await watchCommand(options, context));
    });
}

/** Adds the command that writes a client as code. */
export function addSettingsCommand(program: Command, context: Context): void {
  program
    .command('settings')
    .description('print a client of a scenario as code for another library')
    .argument('<scenario>', 'name or path of a scenario')
    .option('--client <name>', 'client of the scenario; may be left out if it has only one')
    .requiredOption(
      '--for <library>',
      'undici, node-http, axios, got, go, java, apache-httpclient, python-requests, httpx, dotnet, curl or nginx',
    )
    .option('--json', 'print the code, and the settings that the library lacks, as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax settings short-vs-persistent --client persistent --for go
  conntax settings ./mine.json --client ours --for python-requests > client.py
  conntax settings pool-size --client sized --for nginx

A comment names each setting that the library does not have. docs/settings.md has names and defaults in every library.
Nothing is measured. Exit status: 0 printed, 2 wrong usage or an invalid scenario.`,
    )
    .action(async (scenario, options) => {
      const { settingsCommand } = await import('./settings.ts');
      await settingsCommand(scenario, options, context);
    });
}

/** Adds the commands that read stored runs and measure nothing. */
export function addStoredRunCommands(
  program: Command,
  context: Context,
  setStatus: (status: number) => void,
): void {
  addStoredOptions(
    program
      .command('import')
      .description('import a report of Artillery as a stored run, and show it')
      .argument(
        '<file>',
        'file written by artillery run --output, for a script that uses the engine conntax',
      ),
  )
    .addHelpText(
      'after',
      `
Example:
  artillery run --output report.json short-vs-persistent.yml && conntax import report.json

docs/artillery.md explains every step up to the report. Exit status: 0 stored, 2 wrong usage or another kind of file,
3 a client has no figures, or an audit failed.`,
    )
    .action(async (file, options) => {
      const { importCommand } = await import('./import.ts');
      setStatus(await importCommand(file, options, context));
    });

  addStoredOptions(
    program
      .command('report')
      .description('render a stored run again, without measuring')
      .argument('[run]', 'id (or the end of it) or folder of a run, "latest" or "previous"; default: latest'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  conntax report --verbose\n  conntax report results/runs/2026-11-23T12-25-52Z-k3f9 --json',
    )
    .action(async (ref, options) => {
      const { reportCommand } = await import('./report.ts');
      await reportCommand(ref, options, context);
    });

  addStoredOptions(
    program
      .command('compare')
      .description('show two stored runs side by side')
      .argument('<before>', 'id (or the end of it) or folder of a run, "latest" or "previous"')
      .argument('<after>', 'the same, for the run to compare with it')
      .option('--min-effect <ratio>', 'smallest change that counts (0.05 = 5 %)', asRatio),
    { shows: 'comparison' },
  )
    .addHelpText(
      'after',
      '\nExamples:\n  conntax compare previous latest\n  conntax compare 2026-11-23T12-25-52Z-k3f9 p0c2',
    )
    .action(async (before, after, options) => {
      const { compareCommand } = await import('./gate.ts');
      await compareCommand(before, after, options, context);
    });

  addStoredOptions(
    program
      .command('gate')
      .description('check a stored run for regressions against a baseline')
      .argument('[run]', 'id (or the end of it) or folder of a run, "latest" or "previous"; default: latest')
      .option('--baseline <name>', 'name of the baseline', 'main')
      .option('--min-effect <ratio>', 'smallest change that counts (0.05 = 5 %)', asRatio)
      .option('--strict', 'also fail when a regression cannot be ruled out'),
    { shows: 'comparison', stored: 'runs and baselines are' },
  )
    .addHelpText(
      'after',
      `
Examples:
  conntax run ci --null-arm && conntax baseline save     once
  conntax run ci --null-arm && conntax gate              from then on

Exit status: 0 no regression, 1 a regression (with --strict also when one cannot be ruled out), 2 wrong usage,
3 nothing could be compared, or the run is not reliable.`,
    )
    .action(async (ref, options) => {
      const { gateCommand } = await import('./gate.ts');
      setStatus(await gateCommand(ref, options, context));
    });

  addStoredOptions(
    program
      .command('history')
      .description('show trends over CI runs, and when each metric changed')
      .argument('[cells...]', 'names of cells or scenarios; default: all'),
    { shows: 'history', stored: 'the history is' },
  )
    .addHelpText(
      'after',
      `
Examples:
  conntax history                 show every cell that conntax ci has measured
  conntax history ci-reuse        show one scenario
  conntax history --json | jq .tables.history.rows`,
    )
    .action(async (cells, options) => {
      const { historyCommand } = await import('./gate.ts');
      await historyCommand(cells, options, context);
    });

  const baseline = program.command('baseline').description('save a run as a baseline, or list baselines');
  baseline
    .command('save')
    .description('save a stored run as a baseline')
    .argument('[run]', 'id (or the end of it) or folder of a run, "latest" or "previous"; default: latest')
    .option('--name <name>', 'name of the baseline', 'main')
    .option('--force', 'save it even if it can only detect changes above 25 %')
    .option('--results <dir>', 'folder where runs and baselines are stored', 'results')
    .option('--json', 'print the saved baseline as JSON')
    .addHelpText(
      'after',
      `
Example:
  conntax baseline save --name before-undici-9

Exit status: 0 saved, 2 wrong usage, 3 the run is incomplete, unreliable, or too noisy to detect changes, or could not be
stored, as on a full disk.`,
    )
    .action(async (ref, options) => {
      const { saveBaselineCommand } = await import('./gate.ts');
      await saveBaselineCommand(ref, options, context);
    });
  baseline
    .command('list')
    .description('list the baselines')
    .option('--results <dir>', 'folder where runs and baselines are stored', 'results')
    .option('--json', 'print them as JSON')
    .action(async options => {
      const { listBaselinesCommand } = await import('./gate.ts');
      await listBaselinesCommand(options, context);
    });
}

function collect(text: string, texts: readonly string[]): string[] {
  return [...texts, text];
}

/** `200`, or a class such as `3xx`. */
function addStatus(text: string, statuses: readonly (number | string)[] = []): (number | string)[] {
  if (!/^(?:[2-5]xx|[2-5]\d\d)$/.test(text))
    throw new InvalidArgumentError('Expected: a status such as 404, or a class such as 3xx.');
  return [...statuses, /^\d+$/.test(text) ? Number(text) : text];
}

/** Adds `try`; its short options are those of curl and hey. */
export function addTryCommand(program: Command, context: Context, setStatus: (status: number) => void): void {
  const command = program
    .command('try')
    .description('compare short and persistent connections to a running server, without a scenario file')
    .argument('<url>', 'URL to request, such as http://127.0.0.1:3000/health')
    .addOption(
      new Option('-X, --request <method>', 'method; default: GET, or POST with data').choices(METHODS),
    )
    .addOption(
      new Option('-H, --header <header>', "header, such as 'accept: text/plain' (repeatable)")
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '-d, --data <text>',
        'body of the request, or @file (repeatable: joined by &); no content-type is added',
      ).argParser((text, before?: string) => (before === undefined ? text : `${before}&${text}`)),
    )
    .addOption(new Option('--data-file <file>', 'file with the body of the request').conflicts('data'))
    .option(
      '-c, --concurrency <n>',
      `users, each with one request in flight; default: ${TRY_DEFAULTS.concurrency}`,
      number(n => Number.isInteger(n) && n >= 1 && n <= 10_000, 'a whole number from 1 to 10000'),
    )
    .option(
      '--rate <n>',
      'send this many requests per second, regardless of answers, instead of a number of users (-c)',
      number(n => n >= 0.1 && n <= 1_000_000, 'a number from 0.1 to 1000000'),
    )
    .option(
      '--client <name>',
      `undici, node-http, fetch, wire, a load tool, or the path of your own module; default: ${TRY_DEFAULTS.client}, for HEAD node-http`,
    )
    .option('--cacert <file>', 'PEM file of the authority that signed the certificate of the server')
    .option('--cert <file>', 'PEM file of a client certificate, for a server that asks for one')
    .option('--key <file>', "PEM file of that certificate's key; default: the file of --cert")
    .option('--pass <phrase>', 'passphrase of an encrypted key')
    .option('-k, --insecure', 'accept any certificate of the server; the report says so')
    .option(
      '--server-name <name>',
      'name of the server in TLS and the Host header, instead of the host of url',
    )
    .option('--unix-socket <file>', 'connect to this Unix socket, instead of the host and port of url')
    .option('-x, --proxy <url>', 'HTTP proxy, with user and password if it needs them')
    .option('--expect-status <status>', 'status that counts as good (repeatable); default: 2xx', addStatus)
    .option('--save <file>', 'save the scenario of this run, to edit it and run it again')
    .option('--budget-sec <s>', 'time budget in seconds', asSeconds, TRY_DEFAULTS.budgetSec)
    .option('--dry-run', 'print the plan and whether it fits this machine, without measuring')
    .addOption(seedOption())
    .addOption(allowHostOption())
    .option('--results <dir>', 'folder where runs are stored', 'results')
    .addOption(verboseOption())
    .addOption(openOption())
    .addOption(uiOption())
    .option('--json', 'print the report as JSON');
  addMachineOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  conntax try http://127.0.0.1:3000/health
  conntax try http://127.0.0.1:3000/orders -H 'authorization: Bearer ...' -d '{"id":1}' -H 'content-type: application/json'
  conntax try https://staging.example.com/ --allow-host staging.example.com --rate 50
  conntax try http://127.0.0.1:3000/ --client ./our-client.ts --save ours.json
  conntax try https://127.0.0.1:8443/ --cacert ca.pem --cert me.pem --key me.key --server-name api.internal
  conntax try http://localhost/health --unix-socket /run/app.sock
  conntax try http://127.0.0.1:3000/ -x http://127.0.0.1:3128

Values of headers and query parameters that look like credentials, and the password of a proxy, never appear in reports; --save writes the name of an
environment variable instead.`,
    )
    .action(async (url, options) => {
      const { tryCommand } = await import('./try.ts');
      setStatus(await tryCommand(url, options, context));
    });
}

/** Adds the options of the commands that compare two versions of a server of the user's own. */
function addStartOptions(command: Command): Command {
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

/** Adds the commands that measure and judge: `ab`, `bisect` and `ci`. */
export function addJudgingCommands(
  program: Command,
  context: Context,
  setStatus: (status: number) => void,
): void {
  const ab = program
    .command('ab')
    .description('compare two versions of the client, or of a server of your own, interleaved in one run')
    .argument('[scenarios...]', DEFAULT_COMPARED)
    .option(
      '--before <dir>',
      'conntax checkout (after npm ci), or folder where it is installed; default: this one',
    )
    .option('--after <dir>', 'the same, for the version to compare with it')
    .option('--before-package <spec>', 'this conntax with another version of a package, such as undici@7')
    .option('--after-package <spec>', 'the same, for the version to compare with it')
    .option('--before-node <version>', 'this conntax run by another version of Node, such as 24 or 24.11.1')
    .option('--after-node <version>', 'the same, for the version to compare with it')
    .option('--before-ref <ref>', 'branch, tag or commit of the current repository, checked out for the run')
    .option(
      '--after-ref <ref>',
      'the same, for the version to compare with it; default: the current folder as it is',
    );
  addStartOptions(ab)
    .addOption(sideOption())
    .option('--client <name>', 'measure only this client of the scenarios')
    .option('--arm <name>', 'alias of --client')
    .addOption(leastEffectOption())
    .option('--dry-run', 'print the plan and whether it fits this machine, without measuring')
    .addOption(seedOption())
    .option('--budget-sec <s>', "time budget per comparison, overriding the scenario's", asSeconds)
    .option(
      '--precision <ratio>',
      'stop when every interval is this narrow (0.05 = ±5 %), instead of when the outcome is decided',
      asRatio,
    )
    .addOption(allowHostOption())
    .option('--strict', 'also fail when a change for the worse cannot be ruled out')
    .option('--confirm', 're-measure before a failure counts (default when CI is set)')
    .option('--no-confirm', 'do not re-measure failures')
    .option('--results <dir>', 'folder where runs are stored', 'results')
    .addOption(verboseOption())
    .addOption(openOption())
    .addOption(uiOption())
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax ab --before-package undici@7 --after-package undici@8
  conntax ab --before ../main --after .             two checkouts, each after npm ci
  conntax ab --before ../main short-vs-persistent --client short --budget-sec 120
  conntax ab --side target --before-package fastify@5.0.0 --after-package fastify@5.12.8
  conntax ab --before-node 24 --after-node 26       two versions of Node, from the npm package node
  conntax ab --start 'npm start' --before ../main --ready /health      your server: another checkout, and this folder
  conntax ab --start 'npm start' --before-ref main --after-ref HEAD --install 'npm ci' --path /orders

Exit status: 0 no regression shown, 1 a regression, 2 wrong usage, 3 could not measure, 130 interrupted.`,
    )
    .action(async (selectors, options) => {
      const { abCommand } = await import('./ab.ts');
      setStatus(await abCommand(selectors, options, context));
    });

  const bisect = program
    .command('bisect')
    .description('find the version of a package, or the commit of your own server, that caused a regression')
    .argument(
      '<range>',
      'a package with its first and last version, such as undici@7.16.0..7.29.0; with --start: two commits, such as v1.4.0..HEAD',
    )
    .argument('[scenarios...]', DEFAULT_COMPARED);
  addStartOptions(bisect)
    .addOption(sideOption())
    .option('--client <name>', 'measure only this client of the scenarios')
    .addOption(leastEffectOption())
    .option('--dry-run', 'print the versions and the plan of the first comparison, without measuring')
    .addOption(seedOption())
    .option('--budget-sec <s>', "time budget per comparison, overriding the scenario's", asSeconds)
    .addOption(allowHostOption())
    .option('--results <dir>', 'folder where runs are stored', 'results')
    .addOption(verboseOption())
    .addOption(openOption())
    // Refused with the reason.
    .addOption(uiOption().hideHelp())
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
The first and the last version are compared first. If the last one is worse, the versions in between are bisected, each
compared with the first one. The range includes both ends, but no pre-releases. npm lists and installs the versions.
With --start, the commits of a range are checked out and compared. There is no --ui: each comparison adds one line, which is
printed when it ends; --open shows the page of the result.

Examples:
  conntax bisect undici@7.16.0..7.29.0
  conntax bisect undici@7.16.0..7.29.0 ./mine.json --client persistent --budget-sec 120
  conntax bisect fastify@5.0..5.12 --side target
  conntax bisect node@24.0.0..24.11.1 short-vs-persistent --client short
  conntax bisect v1.4.0..HEAD --start 'npm start' --install 'npm ci' --path /orders --client persistent

Exit status: 0 no regression between the ends, 1 found, 2 wrong usage, 3 undecided or could not measure, 130 interrupted.`,
    )
    .action(async (range, selectors, options) => {
      const { bisectCommand } = await import('./bisect.ts');
      setStatus(await bisectCommand(range, selectors, options, context));
    });

  const ci = program
    .command('ci')
    .description('run the CI scenarios, compare with the baseline, confirm regressions, record the result')
    .argument('[scenarios...]', 'names, tags or paths; default: the tag ci')
    .option(
      '--baseline <name>',
      'name of the baseline; if it does not exist, the run is only measured and recorded',
      'main',
    )
    .option('--min-effect <ratio>', 'smallest change that counts (0.05 = 5 %)', asRatio)
    .addOption(allowHostOption())
    .option('--strict', 'also fail when a regression cannot be ruled out')
    .option('--dry-run', 'print the plan and whether it fits this machine, without measuring')
    .addOption(seedOption())
    .option('--budget-sec <s>', "time budget per scenario, overriding the scenario's", asSeconds)
    .option('--results <dir>', 'folder where runs, baselines and the history are stored', 'results')
    .addOption(verboseOption())
    .option('--json', 'print the reports as JSON');
  addMachineOptions(ci)
    .addHelpText(
      'after',
      `
Examples:
  conntax ci && conntax baseline save      the first time
  conntax ci                               every night

Exit status: 0 success, 1 a regression or a failed expectation, 2 wrong usage, 3 could not measure, 130 interrupted.`,
    )
    .action(async (selectors, options) => {
      const { ciCommand } = await import('./ci.ts');
      setStatus(await ciCommand(selectors, options, context));
    });
}
