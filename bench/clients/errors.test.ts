// Errors of HTTP clients become the kind of outcome that a reader can act on, and one line that says more.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { OUTCOMES, type Outcome } from '../../results/model/trial.ts';
import { classifyError, describeError, rootCause } from './errors.ts';

function coded(code: string, message = 'it went wrong'): Error {
  return Object.assign(new Error(message), { code });
}

function wrapped(cause: unknown): Error {
  return new TypeError('fetch failed', { cause });
}

const FRESH = { isReusedConnection: false, hasResponse: false };

suite('classifyError', () => {
  const codes: [code: string, outcome: Outcome][] = [
    ['UND_ERR_CONNECT_TIMEOUT', 'timeoutConnect'],
    ['ETIMEDOUT', 'timeoutConnect'],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeoutHeaders'],
    ['UND_ERR_BODY_TIMEOUT', 'timeoutBody'],
    ['ECONNREFUSED', 'refused'],
    ['ECONNRESET', 'reset'],
    ['EPIPE', 'reset'],
    ['UND_ERR_SOCKET', 'reset'],
    ['ERR_HTTP2_STREAM_ERROR', 'reset'],
    ['ERR_HTTP2_SESSION_ERROR', 'reset'],
    ['UND_ERR_INFO', 'reset'],
    ['EADDRNOTAVAIL', 'portExhausted'],
    ['EMFILE', 'descriptorLimit'],
    ['ENFILE', 'descriptorLimit'],
    ['HPE_INVALID_CONSTANT', 'other'],
    ['HPE_INVALID_EOF_STATE', 'reset'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'reset'],
    ['toString', 'other'],
  ];
  for (const [code, outcome] of codes) {
    test(`${code} is ${outcome}, bare or as a cause`, () => {
      for (const error of [coded(code), wrapped(coded(code)), wrapped(wrapped(coded(code)))]) {
        assert.equal(classifyError(error, FRESH), outcome);
      }
    });
  }

  const resets: [isReusedConnection: boolean, hasResponse: boolean, outcome: Outcome][] = [
    [false, false, 'reset'],
    [false, true, 'reset'],
    [true, false, 'staleSocket'],
    [true, true, 'reset'],
  ];
  for (const [isReusedConnection, hasResponse, outcome] of resets) {
    test(`a reset, reused ${isReusedConnection}, answer begun ${hasResponse}, is ${outcome}`, () => {
      assert.equal(classifyError(coded('ECONNRESET'), { isReusedConnection, hasResponse }), outcome);
    });
  }

  test('the deepest cause counts, of an AggregateError too, whatever what wraps it is called', () => {
    const smithy = Object.assign(coded('ECONNRESET', 'socket hang up'), { name: 'TimeoutError' });
    const dialled = new AggregateError([coded('ECONNREFUSED'), coded('ETIMEDOUT')], '');
    const wrappedTwice = Object.assign(wrapped(wrapped(coded('EMFILE'))), { code: 'ECONNRESET' });
    const cyclic = coded('EPIPE');
    cyclic.cause = wrapped(cyclic);
    for (const [error, outcome] of [
      [smithy, 'reset'],
      [dialled, 'refused'],
      [wrapped(dialled), 'refused'],
      [wrappedTwice, 'descriptorLimit'],
      [cyclic, 'reset'],
    ] as const) {
      assert.equal(classifyError(error, FRESH), outcome);
    }
  });

  test('ETIMEDOUT of an open connection is a broken one, of a dial a timeout', () => {
    const reused = { isReusedConnection: true, hasResponse: false };
    for (const [syscall, outcome] of [
      ['connect', 'timeoutConnect'],
      ['read', 'reset'],
      ['write', 'reset'],
    ] as const) {
      const error = Object.assign(coded('ETIMEDOUT', `${syscall} ETIMEDOUT`), { syscall });
      assert.equal(classifyError(error, reused), outcome);
    }
  });

  test('only a reset can be stale', () => {
    const evidence = { isReusedConnection: true, hasResponse: false };
    assert.equal(classifyError(coded('ECONNREFUSED'), evidence), 'refused');
    assert.equal(classifyError(coded('UND_ERR_HEADERS_TIMEOUT'), evidence), 'timeoutHeaders');
  });

  for (const thrown of [undefined, null, 'text', 7, {}, new Error('plain'), { code: 5 }]) {
    test(`whatever is thrown is classified: ${String(thrown)}`, () => {
      const outcome = classifyError(thrown, FRESH);
      assert.equal(outcome, 'other');
      assert.ok(OUTCOMES.includes(outcome));
    });
  }
});

suite('describeError', () => {
  const cases: [error: unknown, text: string][] = [
    [coded('ECONNRESET', 'read ECONNRESET'), 'read ECONNRESET'],
    [coded('UND_ERR_SOCKET', 'other side closed'), 'UND_ERR_SOCKET: other side closed'],
    [wrapped(coded('UND_ERR_SOCKET', 'other side closed')), 'UND_ERR_SOCKET: other side closed'],
    [new Error('plain'), 'plain'],
    ['text', 'text'],
    [undefined, 'undefined'],
  ];
  for (const [error, text] of cases) {
    test(text, () => assert.equal(describeError(error), text));
  }
});

test('rootCause follows causes that are errors, and no others', () => {
  const root = coded('EPIPE');
  assert.equal(rootCause(wrapped(wrapped(root))), root);
  const odd = new Error('odd', { cause: 'a word' });
  assert.equal(rootCause(odd), odd);
});
