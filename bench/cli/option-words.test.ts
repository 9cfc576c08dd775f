// Problems of `try` are worded by its options, each said once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeasureError, type Problem, UsageError } from '../../results/errors.ts';
import { Request } from '../../scenarios/model/request.ts';
import { closingRefusals } from '../clients/refusals.ts';
import { errorInOptions, inOptions } from './option-words.ts';

const TABLE: [scenario: string, options: string][] = [
  [
    "target.keyFile: a.key is encrypted; expected: passphrase: { env: 'KEY_PASSPHRASE' }, the environment variable that holds its passphrase",
    '--key: a.key is encrypted; expected: --pass with its passphrase',
  ],
  [
    'target.certFile: me.pem cannot be decrypted; expected: its own passphrase in the environment variable of target.passphrase',
    '--cert: me.pem cannot be decrypted; expected: its own passphrase in --pass',
  ],
  ['target.caFile: cannot be read', '--cacert: cannot be read'],
  [
    'certFile as well, and keyFile unless both are in one file',
    '--cert as well, and --key unless both are in one file',
  ],
  [
    "expected: target.proxy: { env: 'PROXY_URL' } with a user and a password in it",
    'expected: -x with a user and a password in it',
  ],
  [
    'request.headers.authorization: the environment variable AUTHORIZATION is set, but empty',
    '-H authorization: the value is empty',
  ],
  [
    'Expected: request.headers.authorization with credentials, or target.expectStatus with 401 if this is the response to measure',
    'Expected: -H authorization with credentials, or --expect-status 401 if this is the response to measure',
  ],
  [`request.headers."If:x": "If:x" cannot be a name`, `-H "If:x": "If:x" cannot be a name`],
  ['another method (request.method)', 'another method (-X)'],
  ['request.bodyFile: cannot be read', '--data-file: cannot be read'],
  ['1, or transport: node-http or wire', '1, or --client node-http or wire'],
  ['the proxy http://127.0.0.1:1 cannot be reached', 'the proxy http://127.0.0.1:1 cannot be reached'],
  ['the body is already given', 'the body is already given'],
];
for (const [scenario, options] of TABLE)
  test(`in options: ${options}`, () => assert.equal(inOptions(scenario), options));

test('a mistake of every client is said once, and of the options alone', () => {
  const problems: Problem[] = ['persistent', 'short', 'pool-5'].map(client => ({
    file: '/tmp/try.json',
    path: `clients.${client}.transport`,
    message: 'wire knows no proxy',
    hint: 'undici, or a target without proxy',
  }));
  const said = errorInOptions(new UsageError('', problems)) as UsageError;
  assert.equal(said.problems.length, 1);
  assert.match(
    said.message,
    /^1 problem; nothing was started\.\n\nconntax try\n {2}--client: wire knows no proxy/,
  );
});

test('a setting of the client, of which the command line has no option, is not offered in place of another library', () => {
  const [problem] = closingRefusals('undici', Request.parse({ method: 'GET', body: 'a' }));
  const path = 'clients.persistent.requestsPerConnection';
  const said = errorInOptions(new UsageError('', [{ file: '', ...problem!, path }])) as UsageError;
  assert.match(
    said.message,
    /--client: undici closes the connection after each GET request with a body\n +expected: --client node-http or wire$/m,
  );
  assert.match(problem!.hint!, /^requestsPerConnection: 1, or transport: /, 'a scenario has the setting');
});

test('a file that -d names is the fault of -d', () => {
  assert.equal(inOptions('request.bodyFile: cannot be read', '-d'), '-d: cannot be read');
});

test('an error keeps its kind, and any other is left alone', () => {
  const found = errorInOptions(new MeasureError('unreachable', 'target.insecure'));
  assert.ok(found instanceof MeasureError && found.code === 'unreachable' && found.message === '--insecure');
  const other = new Error('target.url');
  assert.equal(errorInOptions(other), other);
});
