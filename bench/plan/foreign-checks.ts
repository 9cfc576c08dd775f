// In: a scenario whose fields are each valid. Out: what can't be said of a server that we did not start, or only of one.
import { STATEMENTS } from '../../scenarios/model/target.ts';
import type { CrossContext, CrossProblem } from './rules.ts';
import { valueAt } from './schema-hints.ts';

/** What we command our own server to do, and why nobody can command it to another one. */
const COMMANDS = {
  behaviour: {
    message: 'a server that conntax does not start answers with what it has',
    hint: 'leave it out, and choose the answer by the path of url',
  },
  tls: {
    message:
      'whether there is TLS is said by the scheme of url, and its version is agreed on with the server',
    hint: 'leave it out, and write https or http in url',
  },
  tlsKey: {
    message: 'a server that conntax does not start has a certificate of its own',
    hint: 'leave it out; caFile names the authority that signed that certificate',
  },
  maxConcurrentStreams: {
    message: 'a server that conntax does not start announces its own limit',
    hint: "leave it out; a client's is pool.maxConcurrentStreams",
  },
} as const;

export function checkForeignTarget(context: CrossContext): CrossProblem[] {
  return context.scenario.target.url === undefined ? checkOwn(context) : checkForeign(context);
}

function problem(path: string[], message: string, hint: string): CrossProblem {
  return { path, about: [path, ['target', 'url']], message, hint };
}

/** Settings that stand for nothing without a url. */
function checkOwn({ scenario: { target } }: CrossContext): CrossProblem[] {
  return [
    ...(target.caFile === undefined
      ? []
      : [
          problem(
            ['target', 'caFile'],
            "without a url the server is conntax's own, whose certificate every client is told to trust",
            'leave it out, or give target.url',
          ),
        ]),
    ...STATEMENTS.filter(name => target[name] === null).map(name =>
      problem(
        ['target', name],
        'null means that it is not known, but without a url it is what the server is told to do',
        'a value, or target.url',
      ),
    ),
  ];
}

/** Nobody tells what it costs the server to answer. */
function checkExpected({ expect }: CrossContext['scenario']): CrossProblem[] {
  return expect.flatMap(({ metric }, index) => {
    if (metric !== 'targetCpuUsPerRequest') return [];
    const path = ['expect', index, 'metric'];
    return [
      {
        path,
        about: [path, ['target', 'url']],
        message: 'the CPU of a server that conntax does not start is not known',
        hint: 'another metric, or a target without a url',
      },
    ];
  });
}

function checkForeign({ scenario, raw }: CrossContext): CrossProblem[] {
  const { target, link } = scenario;
  const url = new URL(target.url!);
  const isTls = url.protocol === 'https:';
  const commands = Object.entries(COMMANDS)
    .filter(([name]) => valueAt(raw, ['target', name]) !== undefined)
    .map(([name, { message, hint }]) => problem(['target', name], message, hint));
  const ofUrl = (message: string, hint: string) => problem(['target', 'url'], message, hint);
  return [
    ...commands,
    ...checkExpected(scenario),
    ...(url.username === '' && url.password === ''
      ? []
      : [
          ofUrl(
            'a user name or password in a URL is not sent by every client, and would stand in every report',
            'the URL without it',
          ),
        ]),
    ...(url.hash === '' ? [] : [ofUrl('what follows # is never sent to a server', 'the URL without it')]),
    ...(target.caFile === undefined || isTls
      ? []
      : [problem(['target', 'caFile'], 'there is no certificate on http', 'leave it out, or https in url')]),
    ...(target.protocol === 'http1' || isTls
      ? []
      : [problem(['target', 'protocol'], 'HTTP/2 is spoken over TLS only', "'http1', or https in url")]),
    ...(link === undefined
      ? []
      : [
          problem(
            ['link'],
            "the relay's connections would be in the kernel's counts, from which the server's are told",
            'leave it out, or take a target without a url',
          ),
        ]),
  ];
}
