// Values that only foreign code would throw or return.

function failing(): never {
  throw new Error('a trap');
}

/** Every operation on it throws. */
function trappedProxy(target: object): object {
  const traps = ['get', 'has', 'getPrototypeOf', 'ownKeys', 'getOwnPropertyDescriptor', 'set'];
  return new Proxy(target, Object.fromEntries(traps.map(trap => [trap, failing])));
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function withGetters(...names: string[]): object {
  const getter = { get: failing, enumerable: true };
  return Object.defineProperties({}, Object.fromEntries(names.map(name => [name, getter])));
}

function thenable(value: () => void): object {
  return Object.defineProperty({}, 'then', { value });
}

function cyclicCause(): Error {
  const error = new Error('round and round');
  error.cause = new Error('again', { cause: error });
  return error;
}

function deepCause(): Error {
  let error = new Error('the bottom');
  for (let depth = 0; depth < 10_000; depth++) error = new Error('deeper', { cause: error });
  return error;
}

const LONG = 'long '.repeat(400_000);

/** Made again at each call, so that tests cannot change each other's values. */
export function hostileValues(): [what: string, value: unknown][] {
  return [
    ['undefined', undefined],
    ['null', null],
    ['a symbol', Symbol('thrown')],
    ['a bigint', 10n ** 400n],
    ['NaN', Number.NaN],
    ['a function', failing],
    ['an empty text', ''],
    ['a text of megabytes', LONG],
    ['control characters', '\u001b[2J\u0007\r\nred'],
    ['half of a pair', '\ud800'],
    ['an object without a prototype', Object.create(null)],
    ['a toString that throws', { toString: failing }],
    ['a toString that returns an object', { toString: () => ({}), valueOf: () => ({}) }],
    ['a toPrimitive that throws', { [Symbol.toPrimitive]: failing }],
    ['getters that throw', withGetters('message', 'code', 'cause', 'errors', 'name', 'status', 'outcome')],
    ['a status whose getter throws', withGetters('status', 'bytes', 'statusCode', 'response')],
    ['a response whose getters throw', { response: withGetters('status', 'statusCode') }],
    ['a proxy whose traps throw', trappedProxy({})],
    ['a proxy around an error', trappedProxy(new Error('inside'))],
    ['a proxy around a list', { errors: trappedProxy([]) }],
    ['a revoked proxy', revokedProxy()],
    ['an error with a message of megabytes', new Error(LONG)],
    ['an error whose message is an object', Object.assign(new Error(), { message: { toString: failing } })],
    ['an error whose stack throws', Object.assign(withGetters('stack'), { message: 'no stack' })],
    ['an error with a code that is a symbol', Object.assign(new Error('odd'), { code: Symbol('code') })],
    ['an error with a code of megabytes', Object.assign(new Error('odd'), { code: LONG })],
    ['an error without a message', new Error()],
    ['causes in a circle', cyclicCause()],
    ['ten thousand causes', deepCause()],
    ['ten thousand errors in one', new AggregateError(Array(10_000).fill(new Error('one of them')))],
    ['a thenable that never calls back', thenable(() => {})],
    ['a thenable that throws', thenable(failing)],
  ];
}
