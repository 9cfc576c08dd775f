// The `init` command: a scenario, a client module and a CI workflow to begin with, in the reader's own repository.
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../results/errors.ts';
import { makeFolder, readTextFile, replaceFile } from '../../results/files.ts';
import type { Context } from './context.ts';
import { parseServerUrl } from './options.ts';

export interface InitOptions {
  /** The server that the scenario measures. */
  url: string;
}

const SCENARIO = 'conntax/service.json';
const CLIENT = 'conntax/client.mjs';
const WORKFLOW = '.github/workflows/conntax.yml';

const CLIENT_MODULE = `// What conntax measures as "ours": put the client of your application here, and send one request in send().
export default {
  open({ url }) {
    return {
      async send({ signal }) {
        const response = await fetch(url, { signal });
        const body = await response.arrayBuffer();
        return { status: response.status, bytes: body.byteLength };
      },
      close() {},
    };
  },
};
`;

/** Files by their path from the working folder. */
function filesFor(options: InitOptions): Record<string, string> {
  const url = urlOf(options);
  return {
    [SCENARIO]: `${JSON.stringify(scenarioOf(url), null, 2)}\n`,
    [CLIENT]: CLIENT_MODULE,
    [WORKFLOW]: workflowFor(url),
  };
}

function scenarioOf(url: string): object {
  return {
    name: 'service',
    question: 'Does our client reuse its connections, and what does that gain?',
    target: { url },
    load: { concurrency: 20 },
    clients: {
      ours: { transport: './client.mjs' },
      persistent: { pool: { maxConnections: 20 } },
      short: { requestsPerConnection: 1 },
    },
    baseline: 'persistent',
    // This ratio shows whether connections are reused, even where nobody has stated the server's connection policy.
    expect: [{ metric: 'connectionsPer1kRequests', of: 'ours', over: 'short', atMost: 0.5 }],
  };
}

function workflowFor(url: string): string {
  return `# Measures conntax/service.json each night, and compares it with a baseline.
name: conntax
on:
  workflow_dispatch:
  schedule:
    - cron: '17 3 * * *'
permissions:
  contents: read
jobs:
  bench:
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 26 }
      - run: npm ci
      - uses: actions/cache/restore@v4
        with:
          path: |
            results/baselines
            results/history.ndjson
          key: conntax-\${{ github.run_id }}
          restore-keys: conntax-
      # Start the server that conntax/service.json names, and wait until it answers. (With target.command in place of
      # target.url, conntax does both: then leave this step out.)
      - run: ${portOf(url)}npm start & npx --yes wait-on '${url.replace(/^http/, 'http-get')}'
      # --no: only the conntax of package.json, never a package of that name from a registry.
      - run: npx --no conntax ci ./${SCENARIO} --budget-sec 120
      - if: success() && hashFiles('results/baselines/*') == ''
        run: npx --no conntax baseline save
      - if: always()
        uses: actions/cache/save@v4
        with:
          path: |
            results/baselines
            results/history.ndjson
          key: conntax-\${{ github.run_id }}
      - if: always()
        uses: actions/upload-artifact@v4
        with: { name: conntax, path: results/runs/ }
`;
}

/** Safe within single quotes of a shell. @throws UsageError for what is not a URL, or one with a password, which a file would keep */
function urlOf(options: InitOptions): string {
  const url = parseServerUrl(options.url);
  if (url.username === '' && url.password === '') return url.href.replaceAll("'", '%27');
  throw new UsageError(
    `--url has a user or a password, which would be written to ${SCENARIO}; expected: a URL without, and request.headers.authorization: { env: 'AUTHORIZATION' } in that file`,
  );
}

/** The variable by which most servers learn their port. */
function portOf(url: string): string {
  const { port } = new URL(url);
  return port === '' ? '' : `PORT=${port} `;
}

/** Whether `npm ci` in this folder installs conntax, as the workflow expects. */
function isDependency(cwd: string): boolean {
  const text = readTextFile(resolve(cwd, 'package.json'));
  return text !== undefined && /"conntax"\s*:/.test(text);
}

const INSTALLING = `     CI finds conntax only as a dependency of this repository. Until then: "npm pack" in a clone of conntax, keep the
     conntax-*.tgz here, and "npm install --save-dev ./conntax-*.tgz"`;

/** @throws UsageError when one of the files exists already; then none is written */
export function initCommand(options: InitOptions, { cwd, output }: Context): void {
  const files = Object.entries(filesFor(options)).map(([path, content]) => ({
    path,
    content,
    file: resolve(cwd, path),
  }));
  const taken = files.filter(({ file }) => existsSync(file)).map(({ path }) => path);
  if (taken.length > 0) {
    throw new UsageError(
      `${taken.join(', ')}: already there, so nothing was written; expected: a folder without it`,
    );
  }
  for (const { path, content, file } of files) {
    makeFolder(dirname(file));
    replaceFile(file, content);
    output.out(`wrote ${path}`);
  }
  output.note(
    [
      'Next:',
      `  1. put your client into ${CLIENT}, and your URL into ${SCENARIO}`,
      `  2. conntax run ./${SCENARIO} --dry-run`,
      `  3. conntax run ./${SCENARIO}`,
      `  4. commit ${WORKFLOW}, with the command that starts your server; it runs conntax ci ./${SCENARIO}`,
      '  5. keep results/, where runs are stored, out of git (.gitignore)',
      ...(isDependency(cwd) ? [] : [INSTALLING]),
    ].join('\n'),
  );
}
