// Names, tags and paths find their scenarios; whatever is wrong with any of the files is said at once.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { UsageError } from '../../results/errors.ts';
import type { LoadModule } from '../contracts.ts';
import { type LoadOptions, listScenarios, loadScenarios, withTarget } from './read-scenarios.ts';
import { createTransport, plugins } from './testing/plugins.ts';

describe('Names, tags and paths find their scenarios; whatever is wrong with any of the files is said at once', () => {
  function lazy<Module>(modules: Readonly<Record<string, Module>>) {
    return Object.fromEntries(
      Object.entries(modules).map(([name, module]) => [name, async () => ({ default: module })]),
    );
  }

  /** Files that a scenario may name: `good` ones say what they honour in their names, one refuses whatever it is asked for. */
  const loadUserModule: LoadModule = async path => {
    if (path.endsWith('/refuses.ts')) {
      const refusal = { path: 'transport', message: 'never', hint: 'something else' };
      return { isLoaded: true, module: { ...createTransport(['options']), refusals: () => [refusal] } };
    }
    const good = /good(?:-(?<honoured>[\w.]+))?\.ts$/.exec(path);
    if (good === null) return { isLoaded: false, message: `is not at ${path}`, hint: 'a better one' };
    const { honoured } = good.groups!;
    return {
      isLoaded: true,
      module: createTransport(['options', ...(honoured === undefined ? [] : [honoured])]),
    };
  };

  function scenarioText(name: string, more: object = {}): string {
    return JSON.stringify({ name, question: 'q', clients: { one: {} }, baseline: 'one', ...more });
  }

  /** A folder with the files given, removed at the end; built-in scenarios lie in `scenarios`. */
  async function withFiles(
    files: Record<string, string>,
    use: (options: LoadOptions) => Promise<void>,
  ): Promise<void> {
    const cwd = await mkdtemp(join(tmpdir(), 'conntax-plan-'));
    try {
      const builtinDir = join(cwd, 'scenarios');
      await mkdir(builtinDir);
      for (const [file, text] of Object.entries(files)) await writeFile(join(cwd, file), text);
      await use({
        builtinDir,
        cwd,
        transports: lazy(plugins.transports),
        userModules: async () => ({ loadUserModule }),
        behaviours: lazy(plugins.behaviours),
      });
    } finally {
      await rm(cwd, { recursive: true });
    }
  }

  const builtins = {
    'scenarios/alpha.ts': `export default ${scenarioText('alpha', { tags: ['quick', 'tls'] })} as const;`,
    'scenarios/beta.js': `export default ${scenarioText('beta', { tags: ['quick'] })};`,
    'scenarios/gamma.json': scenarioText('gamma', { tags: ['slow'] }),
    'scenarios/gamma.test.ts': 'throw new Error("a test is no scenario");',
    'scenarios/gamma.d.ts': 'throw new Error("a declaration is no scenario");',
    'scenarios/beta.js.map': '{}',
    'scenarios/scenario.schema.json': '{}',
  };

  async function failure(selectors: string[], options: LoadOptions): Promise<UsageError> {
    const error = await loadScenarios(selectors, options).then(
      () => assert.fail('it should not load'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof UsageError, String(error));
    return error;
  }

  test('a selector is a name, a tag or a path; none means quick; nothing comes twice', async () => {
    const files = { ...builtins, 'mine.json': scenarioText('mine') };
    await withFiles(files, async options => {
      const cases: [string[], string[]][] = [
        [[], ['alpha', 'beta']],
        [['quick'], ['alpha', 'beta']],
        [['gamma'], ['gamma']],
        [
          ['tls', 'gamma'],
          ['alpha', 'gamma'],
        ],
        [
          ['alpha', 'quick', './scenarios/alpha.ts'],
          ['alpha', 'beta'],
        ],
        [
          ['mine.json', 'beta'],
          ['mine', 'beta'],
        ],
        [[join(options.cwd, 'mine.json')], ['mine']],
      ];
      for (const [selectors, names] of cases) {
        const scenarios = await loadScenarios(selectors, options);
        assert.deepEqual(
          scenarios.map(scenario => scenario.name),
          names,
          selectors.join(' '),
        );
      }
      const { variants: all } = await listScenarios(options);
      assert.deepEqual(
        all.map(scenario => scenario.name),
        ['alpha', 'beta', 'gamma'],
      );
    });
  });

  test('keys given twice are refused with their places, each of them', async () => {
    const text = '{\n  "name": "twice",\n  "name": "again",\n  "timing": { "budgetMs": 1, "budgetMs": 2 }\n}';
    await withFiles({ ...builtins, 'twice.json': text }, async options => {
      const { message, problems } = await failure(['twice.json'], options);
      assert.deepEqual(
        problems.map(({ file, path, hint }) => [file, path, hint]),
        [
          ['twice.json', 'name', 'each key once'],
          ['twice.json', 'timing.budgetMs', 'each key once'],
        ],
      );
      assert.match(message, /name: is given twice: at line 2, column 3 and line 3, column 3/);
    });
  });

  test('a file that must not be read is named with its fault, beside the problems of the others', async () => {
    const files = {
      ...builtins,
      'mine.json': scenarioText('mine', {
        clients: {
          a: { transport: './bad.mjs' },
          b: { transport: './good.ts' },
          c: { transport: './refuses.ts' },
        },
        baseline: 'a',
      }),
      'bad.mjs': 'process.exit(7)',
      'good.ts': '',
      'refuses.ts': '',
      'scenario.ts': 'process.exit(8)',
    };
    await withFiles(files, async options => {
      const fault = (message: string) => ({ message, hint: 'a sound module' });
      const faults = {
        [join(options.cwd, 'bad.mjs')]: fault('ends its process'),
        [join(options.cwd, 'scenario.ts')]: fault('never finishes'),
      };
      const announced: [string, readonly string[]][] = [];
      const announce = async (file: string, later: readonly string[]) => void announced.push([file, later]);
      const { problems } = await failure(['mine.json', './scenario.ts'], { ...options, faults, announce });
      assert.deepEqual(
        problems.map(({ file, path, message }) => [file, path, message]),
        [
          ['mine.json', 'clients.a.transport', './bad.mjs ends its process'],
          ['mine.json', 'clients.c.transport', './refuses.ts: never'],
          ['scenario.ts', '', 'never finishes'],
        ],
      );
      const [good, refuses] = ['good.ts', 'refuses.ts'].map(name => join(options.cwd, name));
      assert.deepEqual(announced, [
        [good, [refuses]],
        [refuses, []],
      ]);
    });
  });

  test('an unknown selector gets the names and tags that there are, nearest first', async () => {
    await withFiles(builtins, async options => {
      const { message } = await failure(['gama', 'alpha'], options);
      assert.match(message, /no scenario or tag "gama"/);
      assert.match(message, /scenarios: gamma, /);
      assert.match(message, /tags: .*quick/);
      assert.doesNotMatch(message, /"alpha"/);
    });
  });

  test('files of a target are found from the folder of its scenario', async () => {
    const target = {
      url: 'https://127.0.0.1/',
      caFile: 'ca.pem',
      certFile: '../me.pem',
      keyFile: '/keys/me.key',
      socketPath: 'a.sock',
    };
    await withFiles(
      { 'scenarios/beside.json': scenarioText('beside', { target }) },
      async ({ builtinDir, ...options }) => {
        const [beside] = await loadScenarios(['beside'], { builtinDir, ...options });
        const { caFile, certFile, keyFile, socketPath } = beside!.target;
        assert.deepEqual(
          [caFile, certFile, keyFile, socketPath],
          [
            join(builtinDir, 'ca.pem'),
            join(builtinDir, '../me.pem'),
            '/keys/me.key',
            join(builtinDir, 'a.sock'),
          ],
        );
      },
    );
  });

  test('problems of all selected files come together, and only theirs', async () => {
    const files = {
      ...builtins,
      'scenarios/other.json': scenarioText('other', { nonsense: 1 }),
      'field.json': scenarioText('field', { load: { concurrency: 0 } }),
      'syntax.json': '{ "name": ',
      'syntax.ts': 'export default {',
      'thrown.js': 'throw new Error("not today\\u001b");',
      'empty.ts': 'export const name = 1;',
      'notes.txt': '',
      'double.json': scenarioText('alpha'),
    };
    await withFiles(files, async options => {
      const own = [
        'field.json',
        'syntax.json',
        'syntax.ts',
        'thrown.js',
        'empty.ts',
        './notes.txt',
        'none.json',
        './scenarios',
      ];
      const error = await failure([...own, 'double.json', 'alpha'], options);
      assert.deepEqual(error.problems.map(({ file, path }) => `${file} ${path}`.trim()).sort(), [
        'empty.ts',
        'field.json load.concurrency',
        'none.json',
        'notes.txt',
        'scenarios',
        `${join('scenarios', 'alpha.ts')} name`,
        'syntax.json',
        'syntax.ts',
        'thrown.js',
      ]);
      assert.match(error.message, /^9 problems in 9 scenario files; nothing was started\./);
      assert.match(error.message, /load\.concurrency: 0 is not allowed here\n {4}expected: an integer/);
      assert.match(error.message, /not today/);
      assert.match(error.message, /has no default export/);
      assert.doesNotMatch(error.message, /nonsense|\p{Cc}(?<!\n)/u);
      for (const problem of error.problems) assert.ok(problem.hint, problem.message);
    });
  });

  test('a built-in file that cannot be read may have the tag asked for, so it is no secret', async () => {
    await withFiles({ ...builtins, 'scenarios/broken.ts': 'export default {' }, async options => {
      const error = await failure([], options);
      assert.deepEqual(
        error.problems.map(problem => problem.file),
        [join('scenarios', 'broken.ts')],
      );
      assert.equal((await loadScenarios(['gamma'], options)).length, 1);
      assert.equal((await failure(['broken'], options)).problems.length, 1);
    });
  });

  function clientsText(clients: Record<string, object>): string {
    return scenarioText('modules', { clients, baseline: Object.keys(clients)[0] });
  }

  test('a module is found from the folder of the scenario that names it, and keeps its name as written', async () => {
    const clients = {
      near: { transport: './good.ts', options: { deep: { anything: [1, 'goes'] } } },
      up: { transport: '../good.ts' },
      bare: { transport: 'good.ts' },
      library: {},
    };
    await withFiles({ 'scenarios/modules.json': clientsText(clients) }, async options => {
      const [scenario] = await loadScenarios(['modules'], options);
      const found = Object.values(scenario!.clients).map(({ transport, modulePath }) => [
        transport,
        modulePath,
      ]);
      assert.deepEqual(found, [
        ['./good.ts', join(options.builtinDir, 'good.ts')],
        ['../good.ts', join(options.cwd, 'good.ts')],
        ['good.ts', join(options.builtinDir, 'good.ts')],
        ['undici', undefined],
      ]);
      assert.deepEqual(scenario!.clients['near']?.options, { deep: { anything: [1, 'goes'] } });
    });
  });

  const moduleProblems: [why: string, client: object, path: string, message: RegExp, hint: RegExp][] = [
    [
      'one that cannot be read',
      { transport: './bad.ts' },
      'clients.one.transport',
      /^\.\/bad\.ts is not at \/.*\/bad\.ts$/,
      /^a better one$/,
    ],
    [
      'one that honours what is no setting',
      { transport: './good-pool.maxConection.ts' },
      'clients.one.transport',
      /lists "pool\.maxConection" in honours, which is not a setting/,
      /did you mean pool\.maxConnections/,
    ],
    [
      'a setting that it does not say it honours',
      { transport: './good-pool.pipelining.ts', pool: { pipelining: 1, maxConnections: 5 } },
      'clients.one.pool.maxConnections',
      /^\.\/good-pool\.pipelining\.ts does not list this setting in honours$/,
      /^'pool\.maxConnections' in its honours if it supports the setting, otherwise no pool\.maxConnections$/,
    ],
    [
      'one that refuses, in its own words',
      { transport: './refuses.ts' },
      'clients.one.transport',
      /^\.\/refuses\.ts: never$/,
      /^something else$/,
    ],
    [
      'options for a library',
      { transport: 'undici', options: { a: 1 } },
      'clients.one.options',
      /the transport undici does not support/,
      /path of a module/,
    ],
    [
      'a place, which is not for an author to say',
      { transport: './good.ts', modulePath: '/tmp/good.ts' },
      'clients.one.modulePath',
      /unknown setting/,
      /transport/,
    ],
    [
      'an unknown name',
      { transport: 'axios' },
      'clients.one.transport',
      /unknown transport "axios"/,
      /\.\/my-client\.ts/,
    ],
  ];
  for (const [why, client, path, message, hint] of moduleProblems) {
    test(`a module that is refused: ${why}`, async () => {
      await withFiles({ 'mine.json': clientsText({ one: client }) }, async options => {
        const { problems } = await failure(['./mine.json'], options);
        assert.deepEqual(
          problems.map(problem => problem.path),
          [path],
        );
        assert.match(problems[0]!.message, message);
        assert.match(problems[0]!.hint!, hint);
      });
    });
  }

  test('a built-in file that is wrong hides no other from the list', async () => {
    const files = {
      ...builtins,
      'scenarios/torn.json': '{ "name": ',
      'scenarios/wrong.json': scenarioText('wrong', { x: 1 }),
    };
    await withFiles(files, async options => {
      const { variants, problems } = await listScenarios(options);
      assert.deepEqual(
        variants.map(({ name }) => name),
        ['alpha', 'beta', 'gamma'],
      );
      assert.deepEqual(
        problems.map(({ file, path }) => [file, path]),
        [
          ['scenarios/torn.json', ''],
          ['scenarios/wrong.json', 'x'],
        ],
      );
    });
  });

  test('a JSON file may have comments, commas after the last and a byte order mark; a fault has its place', async () => {
    const text = scenarioText('noted').replace('{', '\ufeff{ // mine\n').replace(/}$/, ',}');
    await withFiles(
      { 'noted.json': text, 'torn.json': '{\n  "name": "x"\n  "question": "q"\n}' },
      async options => {
        assert.equal((await loadScenarios(['./noted.json'], options))[0]?.name, 'noted');
        await assert.rejects(
          loadScenarios(['./torn.json'], options),
          /torn\.json\n {2}cannot be loaded: comma expected at line 3, column 3\n/,
        );
      },
    );
  });
});

const target = { command: 'npm start' };
const rows: [why: string, content: unknown, path: string | undefined, expected: unknown][] = [
  ['a scenario without a target gets one', { name: 'a' }, undefined, { name: 'a', target }],
  [
    'what it says of its own server goes',
    { target: { tls: '1.3', keepAliveTimeoutMs: 5 } },
    undefined,
    { target },
  ],
  [
    'which statuses are good stays',
    { target: { tls: '1.3', expectStatus: [404] } },
    undefined,
    { target: { ...target, expectStatus: [404] } },
  ],
  [
    'so does the path of a url',
    { target: { url: 'http://127.0.0.1:1/a?b=c' } },
    undefined,
    { target, request: { path: '/a?b=c' } },
  ],
  [
    'the path of the request goes before it',
    { target: { url: 'http://127.0.0.1:1/a' }, request: { path: '/b', method: 'POST' } },
    undefined,
    { target, request: { path: '/b', method: 'POST' } },
  ],
  ['and the given one before both', { request: { path: '/b' } }, '/c', { target, request: { path: '/c' } }],
  [
    'and the path of several urls, if they have one',
    { target: { urls: ['http://127.0.0.1:1/a', { url: 'http://127.0.0.1:2/a', weight: 3 }] } },
    undefined,
    { target, request: { path: '/a' } },
  ],
  ['what is no scenario stays as it is', [1], '/c', [1]],
];

describe('another server in the place of a scenario’s own', () => {
  for (const [why, content, path, expected] of rows) {
    test(why, () => {
      const replaced = { target, ...(path === undefined ? {} : { path }) };
      assert.deepEqual(withTarget(content, replaced), expected);
    });
  }

  test('of several urls with different paths none is chosen unasked', () => {
    const content = { target: { urls: ['http://127.0.0.1:1/a', 'http://127.0.0.1:2/b'] } };
    assert.throws(() => withTarget(content, { target }), /paths differ \(\/a, \/b\); expected: --path/);
    assert.deepEqual(withTarget(content, { target, path: '/c' }), { target, request: { path: '/c' } });
  });
});
