// The preflight says in a sentence what does not fit this machine, and stops only what cannot be measured at all.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { MeasureError } from '../../results/errors.ts';
import type { Host } from '../../results/model/run.ts';
import { sampleHost } from '../../results/testing/sample-run.ts';
import { Scenario, type ScenarioInput } from '../../scenarios/model/scenario.ts';
import { plainRequest } from '../clients/request.ts';
import { type Plan, planRun } from '../plan/plan.ts';
import type { LocatedTarget } from './find-servers.ts';
import { type Check, checkPlan, requireFit } from './preflight.ts';

function makePlan(...stated: Partial<ScenarioInput>[]): Plan {
  const scenarios = stated.map((one, index) =>
    Scenario.parse({
      name: `cell-${index}`,
      question: 'Does it fit?',
      clients: { a: { pool: { maxConnections: 10 } } },
      baseline: 'a',
      ...one,
    }),
  );
  return planRun(scenarios, { seed: 1 });
}

function pools(...sizes: (number | 'unlimited')[]): ScenarioInput['clients'] {
  return Object.fromEntries(
    sizes.map((maxConnections, index) => ['abcdef'[index], { pool: { maxConnections } }]),
  );
}

/** The check whose sentence begins so. */
function find(plan: Plan, host: Partial<Host>, start: string): Check {
  const check = checkPlan(plan, { ...sampleHost, ...host }).find(({ sentence }) =>
    sentence.startsWith(start),
  );
  assert.ok(check, `there is no check on ${start}`);
  return check;
}

suite('preflight', () => {
  test('a small plan on a quiet machine passes every check, and each is said', () => {
    const checks = checkPlan(makePlan({}), sampleHost);
    assert.deepEqual(
      checks.map(({ state }) => state),
      ['pass', 'pass', 'pass', 'pass'],
    );
    assert.ok(checks.every(({ sentence }) => sentence.length > 20));
    requireFit(checks);
  });

  const descriptors: [why: string, plan: Plan, limit: number | null, state: Check['state'], words: RegExp][] =
    [
      ['just enough', makePlan({ clients: pools(100) }), 164, 'pass', /at most 164 needed.*164 allowed/],
      [
        'one too few',
        makePlan({ clients: pools(100) }),
        163,
        'fail',
        /only 163 are allowed.*"ulimit -Hn 164".*about 99 requests in flight would fit/,
      ],
      [
        'the target holds those of every arm',
        makePlan({ clients: pools(100, 200) }),
        363,
        'fail',
        /364.*cell-0, target/,
      ],
      [
        'cells are measured one at a time',
        makePlan({ clients: pools(100) }, { clients: pools(90) }),
        164,
        'pass',
        /164/,
      ],
      ['the greatest cell counts', makePlan({}, { clients: pools(500) }), 300, 'fail', /564.*cell-1/],
      [
        'an unlimited pool: twice the users',
        makePlan({ load: { concurrency: 50 }, clients: pools('unlimited') }),
        163,
        'fail',
        /164/,
      ],
      [
        'no pool stated: the same',
        makePlan({ load: { concurrency: 50 }, clients: { a: {} } }),
        164,
        'pass',
        /164/,
      ],
      [
        'the relay of a link holds both ends, and the next of a short one',
        makePlan({ link: {}, clients: pools(100, 200) }),
        1_263,
        'fail',
        /1264.*cell-0, relay of the link/,
      ],
      ['limit unknown', makePlan({}), null, 'warn', /unknown/],
    ];
  for (const [why, plan, descriptorLimit, state, words] of descriptors) {
    test(`descriptors: ${why}: ${state}`, () => {
      const check = find(plan, { descriptorLimit }, 'descriptors');
      assert.equal(check.state, state);
      assert.match(check.sentence, words);
    });
  }

  const ports: [why: string, host: Partial<Host>, state: Check['state'], words: RegExp][] = [
    ['usual', {}, 'pass', /28232 to each target.*after 1 s/],
    ['no re-use', { tcpTwReuse: 0 }, 'warn', /held for 60 s/],
    ['range just as large', { ephemeralPorts: { low: 1, high: 10 } }, 'pass', /10 to each/],
    [
      'range too small',
      { ephemeralPorts: { low: 1, high: 9 } },
      'fail',
      /10 at once.*cell-0, client a.*has 9.*ip_local_port_range/,
    ],
    ['range unknown', { ephemeralPorts: null }, 'warn', /unknown/],
  ];
  for (const [why, host, state, words] of ports) {
    test(`ports: ${why}: ${state}`, () => {
      const check = find(makePlan({}), host, 'ports');
      assert.equal(check.state, state);
      assert.match(check.sentence, words);
    });
  }

  const loads: [lastMinute: number, cpuCount: number, state: Check['state']][] = [
    [0, 2, 'pass'],
    [1, 2, 'pass'],
    [1.01, 2, 'warn'],
    [1.01, 4, 'pass'],
    [40, 8, 'warn'],
  ];
  for (const [lastMinute, cpuCount, state] of loads) {
    test(`load average ${lastMinute} on ${cpuCount} cores: ${state}`, () => {
      const host = { loadAverage: [lastMinute, 9, 9], cpuCount };
      assert.equal(find(makePlan({}), host, 'load average').state, state);
    });
  }

  const foreign = (address: string): LocatedTarget[] => {
    const plan = makePlan({ target: { url: 'http://a.test/' } });
    const [{ id, scenario }] = plan.cells as [Plan['cells'][number]];
    const cells = [{ id, target: scenario.target, hasUserModules: false }];
    const server = {
      url: 'http://a.test/',
      reach: {},
      addresses: [address],
      requests: [plainRequest('/')] as const,
    };
    return [{ servers: [server], cells }];
  };

  test('of several targets, each holds the connections of its own arms', () => {
    const plan = makePlan({ clients: pools(100, 200) });
    const targets = [{ arms: ['a'] }, { arms: ['b'] }];
    const split = { ...plan, cells: plan.cells.map(cell => ({ ...cell, targets })) };
    assert.match(find(split, {}, 'descriptors').sentence, /at most 264 needed/);
    assert.match(find(plan, {}, 'descriptors').sentence, /at most 364 needed \(cell-0, target\)/);
  });

  test("a relay is that of its own cell, also beside a cell with someone else's server", () => {
    const plan = makePlan({ target: { url: 'http://a.test/' } }, { link: {}, clients: pools(100) });
    const checks = checkPlan(plan, sampleHost, foreign('127.0.0.1'));
    assert.ok(
      checks.some(({ sentence }) => /at most 464 needed \(cell-1, relay of the link\)/.test(sentence)),
    );
  });

  test("someone else's server is pinned to no core, and holds its connections itself", () => {
    const plan = makePlan({ target: { url: 'http://a.test/' }, clients: pools(100, 100) });
    const checks = checkPlan(plan, sampleHost, foreign('127.0.0.1'));
    const sentences = checks.map(({ sentence }) => sentence).join('\n');
    assert.match(sentences, /descriptors: at most 164 needed \(cell-0, client a\)/);
    assert.match(
      sentences,
      /external servers, .* asked once before the run: http:\/\/a\.test\/ \(127\.0\.0\.1\)/,
    );
    assert.match(sentences, /^generators pinned to core \d+$/m);
    const both = makePlan({ target: { url: 'http://a.test/' } }, {});
    const told = checkPlan(both, sampleHost, foreign('127.0.0.1')).map(({ sentence }) => sentence);
    assert.ok(told.includes(sampleHost.pinningDetail));
  });

  test('a host that is allowed but is in no scenario is reported: it may be a typo', () => {
    const told = (located: LocatedTarget[], allowed: string[]) =>
      checkPlan(makePlan({}), sampleHost, located, allowed).filter(({ state }) => state === 'warn');
    assert.deepEqual(told(foreign('10.0.0.1'), ['a.test']).slice(1), []);
    const [slip] = told(foreign('127.0.0.1'), ['b.test']);
    assert.match(
      slip?.sentence ?? '',
      /--allow-host b\.test: no target\.url, target\.urls or target\.proxy .*known hosts: a\.test/,
    );
    assert.match(told([], ['b.test'])[0]?.sentence ?? '', /no target has a url/);
  });

  test('ports in TIME_WAIT are used again on loopback, not towards another machine', () => {
    const plan = makePlan({ target: { url: 'http://a.test/' } });
    const state = (address: string) =>
      checkPlan(plan, { ...sampleHost, tcpTwReuse: 2 }, foreign(address)).find(({ sentence }) =>
        sentence.startsWith('ports'),
      )?.state;
    assert.deepEqual([state('127.0.0.1'), state('10.0.0.1')], ['pass', 'warn']);
  });

  test('what runs on other machines is checked against their limits, and not against those of this one', () => {
    const plan = makePlan({ clients: pools(100) });
    const senders = [
      {
        name: 'gen1',
        host: sampleHost,
        isHere: false,
        shareOf: () => ({ machine: 1, generator: 1 }),
      },
    ];
    const targetHost = { ...sampleHost, descriptorLimit: 100 };
    const checks = checkPlan(plan, sampleHost, [], [], { senders, targetHost });
    const of = (state: Check['state']) => checks.filter(check => check.state === state);
    assert.match(of('fail')[0]?.sentence ?? '', /^machine of the server: .*descriptors/);
    assert.equal(of('fail').length, 1);
    const here = checks.filter(({ sentence }) => !sentence.startsWith('machine '));
    assert.doesNotMatch(here.map(({ sentence }) => sentence).join('\n'), /target|pinned|descriptors|ports/);
  });

  test('not pinned is a warning that keeps the reason', () => {
    const host = { pinning: null, pinningDetail: 'not pinned: there is no taskset' };
    const check = find(makePlan({}), host, 'not pinned');
    assert.equal(check.state, 'warn');
    assert.match(check.sentence, /no taskset: target and generator may compete/);
  });

  test('several generators: a core for each passes, shared ones are a warning', () => {
    const plan = makePlan({ generators: 2 });
    const pinning = { targetCpu: 0, generatorCpu: 1, generatorCpus: [1, 2] };
    assert.equal(find(plan, { pinning }, 'cell-0: 2 generators').state, 'pass');
    const { state, sentence } = find(plan, {}, 'cell-0: 2 generators');
    assert.equal(state, 'warn');
    assert.match(sentence, /1 core is left .* they share cores and send no more than 1 could/);
  });

  test('several generators: each process has its share of the connections, the ports are those of all', () => {
    const plan = makePlan({ generators: 4, clients: pools(100), target: { url: 'http://a.test/' } });
    const checks = checkPlan(plan, { ...sampleHost, descriptorLimit: 89 }, foreign('127.0.0.1'));
    assert.match(checks[0]!.sentence, /at most 89 needed/);
    assert.match(
      find(plan, { ephemeralPorts: { low: 1, high: 99 } }, 'ports').sentence,
      /100 at once needed/,
    );
  });

  test('only what fails stops a run, and all of it is said', () => {
    const warn: Check = { state: 'warn', sentence: 'careful' };
    requireFit([warn]);
    const checks: Check[] = [warn, { state: 'fail', sentence: 'one' }, { state: 'fail', sentence: 'two' }];
    assert.throws(
      () => requireFit(checks),
      (error: unknown) => {
        assert.ok(error instanceof MeasureError);
        assert.deepEqual([error.code, error.exitCode, error.message], ['unfit', 3, 'one\ntwo']);
        return true;
      },
    );
  });

  test('ports: arms that keep connections to one target need theirs together', () => {
    const host: Partial<Host> = { ephemeralPorts: { low: 1, high: 150 } };
    const load = { concurrency: 80 };
    const kept = makePlan({ load, clients: pools(80, 80) });
    assert.match(find(kept, host, 'ports').sentence, /160 at once .*all clients.*has 150.*about 75 requests/);
    const short = { requestsPerConnection: 1, pool: { maxConnections: 80 } } as const;
    const one = makePlan({ load, clients: { a: { pool: { maxConnections: 80 } }, short } });
    assert.equal(find(one, host, 'ports').state, 'pass', 'short ones are closed by then');
  });

  test('memory: more connections than a process can hold are refused, with how many would fit', () => {
    const plan = makePlan({ load: { concurrency: 400_000 }, clients: pools(400_000) });
    const host = { descriptorLimit: 1e6, ephemeralPorts: null, memoryBytes: 8 * 2 ** 30 };
    const { state, sentence } = find(plan, host, 'memory');
    assert.equal(state, 'fail');
    assert.match(
      sentence,
      /400000 connections need about 12\.2 GiB .*about 2\.0 GiB here.*about 65536 requests/,
    );
  });
});
