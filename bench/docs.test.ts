// The documentation: every relative link leads to a file and a heading that exist, so does every path to a page in a comment
// or a message, and every scenario that is shown is valid.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { behaviours } from '../servers/behaviours/index.ts';
import { transports, userModules } from './clients/index.ts';
import { loadScenarios } from './plan/read-scenarios.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const pages = globSync(['*.md', 'docs/**/*.md', '.github/**/*.md', 'deploy/*/README.md'], {
  cwd: root,
}).sort();

const fencedCode = /^(```+).*\n[\s\S]*?^\1$/gm;

function withoutCode(text: string): string {
  return text.replaceAll(fencedCode, '').replaceAll(/`[^`\n]*`/g, code => code.replaceAll(/[[\]]/g, ''));
}

/** As GitHub makes an anchor of a heading: lower case, no punctuation, a hyphen for each space. */
function findAnchors(text: string): Set<string> {
  const headings = text.replaceAll(fencedCode, '').matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    Array.from(headings, ([, heading]) =>
      heading!
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Of a page at `path`: each link that leads nowhere, with the reason. */
function findBrokenLinks(path: string, text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link!)) return [];
    const [file = '', anchor] = link!.split('#');
    const target = file === '' ? path : relative(root, join(root, dirname(path), file));
    if (target !== path && !existsSync(join(root, target))) return [`${path}: ${link}: no such file`];
    if (anchor === undefined || !target.endsWith('.md')) return [];
    const content = target === path ? text : readFileSync(join(root, target), 'utf8');
    return findAnchors(content).has(anchor) ? [] : [`${path}: ${link}: no such heading`];
  });
}

test('every relative link of a page leads to a file and a heading that exist', () => {
  assert.ok(pages.length > 10);
  const broken = pages.flatMap(path => findBrokenLinks(path, readFileSync(join(root, path), 'utf8')));
  assert.deepEqual(broken, []);
});

test('every source file that a page names exists', () => {
  const missing = pages.flatMap(path =>
    [
      ...readFileSync(join(root, path), 'utf8').matchAll(
        /`((?:bench|servers|scenarios|results|report)\/[\w./-]+\.ts)`/g,
      ),
    ]
      .map(([, file]) => file!)
      .filter(file => !/\b(?:NAME|x)\b/.test(file) && !existsSync(join(root, file)))
      .map(file => `${path}: ${file}`),
  );
  assert.deepEqual(missing, []);
});

test('pages and sources use plain words: CONTRIBUTING.md has the glossary', () => {
  const phrases =
    /\b(?:(?:is|are|was) told\b|borne\b|right would be|there is no such|nobody knows|under way)/i;
  const sources = globSync('{bench,servers,scenarios,results,report}/**/*.ts', { cwd: root });
  const others = [...pages, ...sources].filter(path => path !== 'bench/docs.test.ts');
  const lines = others.flatMap(path =>
    readFileSync(join(root, path), 'utf8')
      .split('\n')
      .flatMap((line, index) => (phrases.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
  );
  assert.deepEqual(lines, []);
});

test('a link to a missing file, and one to a missing heading, are found', () => {
  const page =
    '# A title\n\n[a](nowhere.md) [b](#a-title) [c](#another) `[d](code.md)` [e](https://example.com)\n';
  assert.deepEqual(findBrokenLinks('docs/page.md', page), [
    'docs/page.md: nowhere.md: no such file',
    'docs/page.md: #another: no such heading',
  ]);
});

test('every path to a page, in code and in messages, leads to a page', () => {
  const globs = [
    '{bench,servers,scenarios,results,report,deploy,.github}/**/*.{ts,json,yml,sh}',
    '*.md',
    'package.json',
  ];
  // The changelog tells of pages by the names that they had.
  const sources = globSync(globs, { cwd: root, exclude: ['**/node_modules', '**/dist'] }).filter(
    path => path !== 'CHANGELOG.md' && path !== 'bench/docs.test.ts',
  );
  const missing = sources.flatMap(path =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/\bdocs\/[\w/-]+\.(?:md|png)\b/g)]
      .filter(([page]) => !existsSync(join(root, page)))
      .map(([page]) => `${path}: ${page}`),
  );
  assert.deepEqual(missing, []);
});

test('every scenario that the docs show as JSON is valid', async t => {
  const dir = await mkdtemp(join(tmpdir(), 'conntax-docs-'));
  t.after(() => rm(dir, { recursive: true }));
  const texts = pages
    .flatMap(path => [...readFileSync(join(root, path), 'utf8').matchAll(/^```json\n(\{.*?^\})\n```/gms)])
    // Such a module is the reader's own.
    .map(([, text]) => text!.replaceAll('"transport": "./my-client.ts"', '"transport": "node-http"'));
  assert.ok(texts.length >= 4);
  const files = texts.map((text, index) => {
    const file = join(dir, `${index}.json`);
    writeFileSync(file, text);
    return file;
  });
  const scenarios = await loadScenarios(files, {
    builtinDir: dir,
    cwd: dir,
    transports,
    userModules,
    behaviours,
  });
  assert.ok(scenarios.length >= texts.length);
});
