// The commands that measure, observe or send load: run, try, ab, bisect, ci, watch and agent, with their options and help.
import { type Command, Option } from 'commander';
import { METHODS } from '../../scenarios/model/request.ts';
import type { Cli } from './context.ts';
import {
  addMachineOptions,
  addResultOptions,
  addStartOptions,
  addStatus,
  allowHostOption,
  asIntervalMs,
  asPort,
  asPortOrAny,
  asProcessId,
  asRatePerSec,
  asRatio,
  asSeconds,
  asUsers,
  collect,
  DEFAULT_COMPARED,
  leastEffectOption,
  seedOption,
  sideOption,
  TRY_DEFAULTS,
  uiOption,
} from './options.ts';

export function addRunCommand(program: Command, { context, setStatus }: Cli): void {
  const run = program
    .command('run')
    .description('measure scenarios and show a report')
    .argument(
      '[scenarios...]',
      'names, tags or paths of scenario files (.ts, .js, .json), or one URL (as try does); default: the tag quick',
    )
    .option('--dry-run', 'print the plan and whether it fits this machine, without measuring')
    .addOption(seedOption())
    .option(
      '--budget-sec <s>',
      "time budget per scenario, overriding the scenario's; the cells of a sweep share it",
      asSeconds,
    )
    .option('--precision <ratio>', 'stop when every interval is this narrow (0.05 = ±5 %)', asRatio)
    .option('--no-phases', 'skip per-request phase timing (lowest overhead)')
    .option(
      '--metrics-port <n>',
      'serve Prometheus metrics on this port of 127.0.0.1 during the run (0: any free port)',
      asPortOrAny,
    )
    .option('--profile', 'afterwards, take a CPU profile and a heap snapshot of each client and the server')
    .option('--null-arm', 'add a copy of the baseline client, to measure noise (A/A)')
    .option('--strict', 'also fail when an expectation is inconclusive')
    .option('--confirm', 're-measure before a failed expectation counts (default when CI is set)')
    .option('--no-confirm', 'do not re-measure failures')
    .addOption(allowHostOption());
  addResultOptions(run, { ui: [uiOption()] });
  addMachineOptions(run)
    .addHelpText(
      'after',
      `
Examples:
  conntax run                             measure the scenarios tagged quick
  conntax run short-vs-persistent         measure one scenario
  conntax run catalogue                   measure all scenarios with this tag; conntax list shows the tags
  conntax run ./mine.json --dry-run       show what your own scenario would do
  conntax run short-vs-persistent --budget-sec 120 --precision 0.02
  conntax run --ui --open                 watch the page in a browser during the run
  conntax run ./your-server.json          measure your own server on this machine (target.url)
  conntax run ./your-server.json --allow-host staging.example.com
                                          measure a server on another machine
  conntax run ./your-server.json --allow-host web1 --machine 'ssh gen1 npx conntax agent' --machine 'ssh gen2 npx conntax agent'
                                          send the load from two machines (docs/machines.md)

Exit status: 0 success, 1 an expectation failed, 2 wrong usage or an invalid scenario, 3 could not measure or an audit failed,
130 interrupted (143 by SIGTERM, 129 by a closed terminal). Ctrl-C keeps what was measured; a second Ctrl-C ends at once.`,
    )
    .action(async (selectors, options) => {
      const [url] = selectors;
      if (selectors.length === 1 && /^https?:\/\//.test(url)) {
        const { tryCommand } = await import('./try.ts');
        setStatus(await tryCommand(url, { ...TRY_DEFAULTS, ...options }, context));
        return;
      }
      const { runCommand } = await import('./run.ts');
      setStatus(await runCommand(selectors, options, context));
    });
}

/** Adds `try`; its short options are those of curl and hey. */
export function addTryCommand(program: Command, { context, setStatus }: Cli): void {
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
      asUsers,
    )
    .option(
      '--rate <n>',
      'send this many requests per second, regardless of answers, instead of a number of users (-c)',
      asRatePerSec,
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
    .addOption(allowHostOption());
  addResultOptions(command, { ui: [uiOption()] });
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

export function addAbCommand(program: Command, { context, setStatus }: Cli): void {
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
    .option('--no-confirm', 'do not re-measure failures');
  addResultOptions(ab, { ui: [uiOption()] })
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
}

export function addBisectCommand(program: Command, { context, setStatus }: Cli): void {
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
    .addOption(allowHostOption());
  // --ui is refused with the reason.
  addResultOptions(bisect, { shows: 'result', ui: [uiOption().hideHelp()] })
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
}

export function addCiCommand(program: Command, { context, setStatus }: Cli): void {
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
    .option('--verbose', 'print every table, not only the answer')
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

export function addWatchCommand(program: Command, { context, setStatus }: Cli): void {
  program
    .command('watch')
    .description('observe the sockets of a running process, and report whether it leaks connections')
    .option('--pid <n>', 'id of the process', asProcessId)
    .option(
      '--port <n>',
      'only sockets with this local or remote port; without --pid, those of the whole machine',
      asPort,
    )
    .option('--for-sec <s>', 'how long to observe, in seconds', asSeconds, 60)
    .option('--every-ms <ms>', 'time between observations', asIntervalMs, 500)
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

export function addAgentCommand(program: Command, { context }: Cli): void {
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
