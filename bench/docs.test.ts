// Links of the documentation: every relative one leads to a file and to a heading that exist, and so does every path to a page
// in a comment or a message.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const pages = globSync(['*.md', 'docs/**/*.md', '.github/**/*.md'], { cwd: root }).sort();

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
  const sources = globSync(globs, { cwd: root }).filter(
    path => path !== 'CHANGELOG.md' && path !== 'bench/docs.test.ts',
  );
  const missing = sources.flatMap(path =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/\bdocs\/[\w/-]+\.(?:md|png)\b/g)]
      .filter(([page]) => !existsSync(join(root, page)))
      .map(([page]) => `${path}: ${page}`),
  );
  assert.deepEqual(missing, []);
});
