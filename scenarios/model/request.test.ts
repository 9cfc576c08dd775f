// What a scenario may state as its request, and what is refused with a reason.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import { carriesCredentials, describeRequest, hideCredentials, Request, Requests } from './request.ts';
import { nameOfRequest, PLAIN_REQUEST } from './request-facts.ts';

suite('a request', () => {
  test('is a GET without anything of its own by default', () => {
    assert.deepEqual(Request.parse({}), { method: 'GET', query: {}, headers: {}, framing: 'length' });
    assert.deepEqual(PLAIN_REQUEST, Request.parse({}));
  });

  const refused: [what: string, stated: unknown, path: string, message: RegExp][] = [
    ['two bodies', { body: 'a', bodyBytes: 3 }, 'bodyBytes', /already given by body/],
    ['chunks of nothing', { framing: 'chunked' }, 'framing', /no body to send/],
    [
      'a header of the connection',
      { headers: { Connection: 'close' } },
      'headers.Connection',
      /belongs to the client/,
    ],
    [
      'a length of its own',
      { headers: { 'content-length': '3' } },
      'headers.content-length',
      /belongs to the client/,
    ],
    ['a header with a line break', { headers: { a: 'b\r\nc: d' } }, 'headers.a', /visible ASCII/],
    ['a name that is none', { headers: { 'a b': 'c' } }, 'headers.a b', /./],
    ['a method that there is not', { method: 'FETCH' }, 'method', /./],
    ['a path with a space', { path: '/a b' }, 'path', /percent-encoded/],
    ['a path without a slash', { path: 'a' }, 'path', /from the root/],
    ['a fragment', { path: '/a#b' }, 'path', /fragment/],
    [
      'a credential in a header',
      { headers: { Authorization: 'Bearer s3cret' } },
      'headers.Authorization',
      /\{ env: 'AUTHORIZATION' \}/,
    ],
    ['a credential in the query', { query: { api_key: 's3cret' } }, 'query.api_key', /\{ env: 'API_KEY' \}/],
    ['a credential in the path', { path: '/a?b=1&access_token=s3cret' }, 'query.access_token', /credential/],
    ['a variable that is no name', { headers: { a: { env: 'A-B' } } }, 'headers.a', /./],
  ];
  for (const [what, stated, path, message] of refused) {
    test(`${what} is refused, without repeating a secret`, () => {
      const { error, success } = Request.safeParse(stated);
      assert.ok(!success);
      const issue = error.issues.find(one => one.path.join('.').startsWith(path));
      assert.match(issue?.message ?? JSON.stringify(error.issues), message);
      assert.ok(!error.message.includes('s3cret'));
    });
  }

  const allowed: z.input<typeof Request>[] = [
    { headers: { authorization: { env: 'TOKEN', prefix: 'Bearer ' } }, query: { key: { env: 'KEY' } } },
    { method: 'DELETE', body: '' },
    { headers: { 'x-request-id': 'abc', accept: '*/*' }, path: "/a?sort=-b&x='" },
  ];
  for (const stated of allowed) {
    test(`${JSON.stringify(stated)} is allowed`, () => {
      assert.ok(Request.safeParse(stated).success);
    });
  }
});

suite('several requests', () => {
  const refused: [what: string, stated: unknown[], path: string, message: RegExp][] = [
    ['none', [], '', /./],
    [
      'two of one name',
      [{ path: '/a' }, { name: 'GET /a' }],
      '1.name',
      /"GET \/a" is also the name of request 0/,
    ],
    [
      'two without a name',
      [{ path: '/a', query: { x: '1' } }, { path: '/a' }],
      '1.name',
      /a name of its own/,
    ],
    ['a weight of nothing', [{ weight: 0 }], '0.weight', /./],
    ['a weight without end', [{ weight: Infinity }], '0.weight', /./],
    ['a name with a line break', [{ name: 'a\nb' }], '0.name', /./],
    ['a credential in the second', [{}, { path: '/a?token=s3cret' }], '1.query.token', /credential/],
  ];
  for (const [what, stated, path, message] of refused) {
    test(`${what}: refused`, () => {
      const { error } = Requests.safeParse(stated);
      const issue = error?.issues.find(one => one.path.join('.') === path);
      assert.match(issue?.message ?? JSON.stringify(error?.issues), message);
      assert.ok(issue !== undefined && !issue.message.includes('s3cret'));
    });
  }

  test('a name is stated, or method and path', () => {
    const requests = Requests.parse([
      { name: 'read' },
      { path: '/a?b=1' },
      { method: 'POST', weight: 0.5 },
      { path: `/${'x'.repeat(100)}` },
    ]);
    const names = requests.map(nameOfRequest);
    assert.deepEqual(names.slice(0, 3), ['read', 'GET /a?b=1', 'POST']);
    assert.equal(names[3]!.length, 60);
  });
});

test('names that carry credentials are distinguished from others', () => {
  for (const name of [
    'Authorization',
    'cookie',
    'X-Api-Key',
    'apikey',
    'access_token',
    'X-Auth-Token',
    'password',
    'sig',
  ])
    assert.ok(carriesCredentials(name), name);
  for (const name of ['accept', 'x-request-id', 'page', 'sort', 'keyword', 'design', 'monkey'])
    assert.ok(!carriesCredentials(name), name);
});

test('a URL that cannot be parsed is shown without what lets others in', () => {
  const shown: [string, string][] = [
    ['http://me:s3cret@exa mple/a?b=1', 'http://[redacted]@exa mple/a?b=1'],
    ['me:s3cret@127.0.0.1:99999', '[redacted]@127.0.0.1:99999'],
    [
      'http://a b/?token=s3cret&page=2&api_key=s3cret#x',
      'http://a b/?token=[redacted]&page=2&api_key=[redacted]#x',
    ],
    ['http://a b/@home?to=me@home', 'http://a b/@home?to=me@home'],
  ];
  for (const [url, text] of shown) assert.equal(hideCredentials(url), text);
});

test('a description has names and sizes, and no values', () => {
  const request = Request.parse({
    method: 'POST',
    path: '/orders',
    query: { page: '2' },
    headers: { authorization: { env: 'TOKEN' } },
    bodyBytes: 2_048,
  });
  assert.equal(
    describeRequest(request),
    'POST /orders, query parameters page, headers authorization, a body of 2,048 bytes',
  );
});
