// The page of a repository holds no secret of its remote, and a link of a stored run leads nowhere but to a commit.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { commitPage, repositoryPage } from './repository.ts';

suite('the page of a remote', () => {
  const rows: [remote: string, page: string | undefined][] = [
    ['git@github.com:us/ours.git', 'https://github.com/us/ours'],
    ['ssh://git@git.example.com:2222/us/ours.git', 'https://git.example.com/us/ours'],
    ['https://github.com/us/ours', 'https://github.com/us/ours'],
    ['https://user:secret@gitlab.com/group/sub/ours.git/', 'https://gitlab.com/group/sub/ours'],
    ['https://git.example.com:8443/ours.git?token=secret#here', 'https://git.example.com:8443/ours'],
    ['http://git.example.com/ours.git', undefined],
    ['/srv/git/ours.git', undefined],
    ['../ours', undefined],
    ['file:///srv/ours.git', undefined],
    ['javascript:alert(1)', undefined],
    ['https://github.com/us/"><script>', undefined],
    ['https://github.com/', undefined],
    ['', undefined],
  ];
  for (const [remote, page] of rows) {
    test(`${remote || 'nothing'}: ${page}`, () => assert.equal(repositoryPage(remote), page));
  }
});

suite('the page of a commit', () => {
  const commit = '3f9c1d2a7b6e5048c1f0a9d8e7b6c5d4e3f2a1b0';
  const rows: [repositoryUrl: string | undefined, commit: string, page: string | undefined][] = [
    ['https://github.com/us/ours', commit, `https://github.com/us/ours/commit/${commit}`],
    ['https://gitlab.com/us/ours', commit, `https://gitlab.com/us/ours/-/commit/${commit}`],
    ['https://bitbucket.org/us/ours', commit, `https://bitbucket.org/us/ours/commits/${commit}`],
    [undefined, commit, undefined],
    ['javascript:alert(1)', commit, undefined],
    ['https://github.com/us/ours)[x](http://other', commit, undefined],
    ['https://github.com/us/ours', '../../settings', undefined],
  ];
  for (const [repositoryUrl, of, page] of rows) {
    test(`${repositoryUrl}, ${of.slice(0, 12)}: ${page}`, () =>
      assert.equal(commitPage({ commit: of, repositoryUrl }), page));
  }
});
