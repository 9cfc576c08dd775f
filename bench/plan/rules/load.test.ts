// Limits of the machine that cannot be set, and counts that cannot be had, are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scenario, type ScenarioInput } from '../../../scenarios/model/scenario.ts';
import { withRules } from '../rules.ts';

function problemsOf(stated: Partial<ScenarioInput>): string[] {
  const raw = { name: 'mine', question: 'Why?', clients: { short: {} }, baseline: 'short', ...stated };
  const context = { raw, armNames: ['short'], transports: {}, faults: {}, behaviours: {} };
  const { error } = withRules(Scenario, context).safeParse(raw);
  return (error?.issues ?? []).filter(({ path }) => path[0] !== 'clients').map(({ path }) => path.join('.'));
}

const link = { roundTripMs: 10 };
const url = 'http://127.0.0.1:9/';
const timing = { slicing: 'whole' } as const;
const expect: ScenarioInput['expect'] = [
  { metric: 'clientTimeWaitPer1kRequests', of: 'short', atMost: 9 },
  { metric: 'serverTimeWaitPer1kRequests', of: 'short', atMost: 9 },
];
const rows: [why: string, stated: Partial<ScenarioInput>, problems: string[]][] = [
  ['few ports and few files', { limits: { localPorts: 256, openFiles: 256 } }, []],
  ['too few ports', { limits: { localPorts: 2 } }, ['limits.localPorts']],
  ['fewer files than a process has itself', { limits: { openFiles: 20 } }, ['limits.openFiles']],
  ['few files behind a link', { link, limits: { openFiles: 256 } }, []],
  ['few ports behind a link', { link, limits: { localPorts: 256 } }, ['limits.localPorts']],
  ['few files with an external server', { target: { url }, limits: { openFiles: 256 } }, []],
  [
    'few ports with an external server',
    { target: { url }, limits: { localPorts: 256 } },
    ['limits.localPorts'],
  ],
  [
    'few ports with a started server',
    { target: { command: 'npm start' }, limits: { localPorts: 256 } },
    ['limits.localPorts'],
  ],
  ['CPU time of both', { timing, limits: { serverCpus: 0.5, clientCpus: 2 } }, []],
  ['too little of it', { timing, limits: { serverCpus: 0.01 } }, ['limits.serverCpus']],
  ['CPU time of a server where clients take turns', { limits: { serverCpus: 1 } }, ['limits.serverCpus']],
  ['CPU time of clients that take turns', { limits: { clientCpus: 1 } }, ['limits.clientCpus']],
  [
    'CPU time of a started server',
    { timing, target: { command: 'npm start' }, limits: { serverCpus: 1 } },
    [],
  ],
  [
    'CPU time of an external server',
    { timing, target: { url }, limits: { serverCpus: 1 } },
    ['limits.serverCpus'],
  ],
  [
    'CPU time of the clients of an external server',
    { timing, target: { url }, limits: { clientCpus: 1 } },
    [],
  ],
  ['TIME_WAIT on loopback', { expect }, []],
  ['TIME_WAIT behind a link', { link, expect }, ['expect.0.metric', 'expect.1.metric']],
  ['TIME_WAIT with an external server', { target: { url }, expect }, ['expect.0.metric', 'expect.1.metric']],
  ['a server that accepts nothing', { target: { accepts: false } }, []],
  ['the same with an accept queue', { target: { accepts: false, backlog: 4 } }, ['target.accepts']],
  ['the same behind a link', { link, target: { accepts: false } }, ['target.accepts']],
  ['an accept queue of an external server', { target: { url, backlog: 4 } }, ['target.backlog']],
];
for (const [why, stated, problems] of rows) {
  test(`${why}: ${problems.length === 0 ? 'fine' : `refused at ${problems.join()}`}`, () => {
    assert.deepEqual(problemsOf(stated), problems);
  });
}
