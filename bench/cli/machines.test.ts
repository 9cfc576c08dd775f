// The machines that options and a file state, and what is said of a file that has something else.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { callCli } from '../testing/in-process.ts';
import { statedMachines } from './machines.ts';

describe('machines', () => {
  test('of options come before those of a file', t => {
    const folder = mkdtempSync(join(tmpdir(), 'conntax-machines-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const listed = [{ name: 'big', command: 'ssh big conntax agent', cores: 8, weight: 2 }];
    writeFileSync(join(folder, 'machines.json'), JSON.stringify(listed));
    const stated = statedMachines({ machine: ['ssh gen1 conntax agent'], machines: 'machines.json' }, folder);
    assert.deepEqual(stated, [{ command: 'ssh gen1 conntax agent' }, ...listed]);
    assert.deepEqual(statedMachines({}, folder), []);
  });

  const rows: [why: string, text: string, message: RegExp][] = [
    [
      'is not JSON',
      '[',
      /--machines m\.json is not JSON \(.* at line 1, column 2\); expected: a list of machines/,
    ],
    [
      'is no list',
      '{}',
      /1 problem in 1 file of machines.*--machines m\.json\n {2}machines: an object is not allowed here\n {4}expected: a list.*such as \[/s,
    ],
    [
      'is an empty list',
      '[]',
      /machines: an empty list is not allowed here\n {4}expected: a list, not an empty/,
    ],
    [
      'has a machine without a command',
      '[{ "name": "a" }]',
      /machines\.0\.command: is missing\n {4}expected: non-empty text/,
    ],
    [
      'has a setting that is unknown',
      '[{ "command": "a", "core": 1 }]',
      /machines\.0\.core: unknown setting\n {4}did you mean cores\? Known: name, command, cores, weight/,
    ],
    [
      'has several mistakes',
      '[{ "command": "a", "cores": "two" }, { "command": "b", "weight": 0 }]',
      /2 problems.*machines\.0\.cores: "two" is not allowed here\n {4}expected: an integer from 1 to 1024\n {2}machines\.1\.weight: 0 is not allowed here\n {4}expected: a number above 0/s,
    ],
    [
      'names two machines the same',
      '[{ "command": "a", "name": "x" }, { "command": "b", "name": "x" }]',
      /machines\.1\.name: "x" is also the name of machines\.0\n {4}expected: each name once/,
    ],
    [
      'gives a key twice',
      '[{ "command": "a", "cores": 1, "cores": 2 }]',
      /machines\.0\.cores: is given twice: at line 1, column \d+ and line 1, column \d+/,
    ],
  ];
  for (const [why, text, message] of rows) {
    test(`of a file that ${why} are refused`, t => {
      const folder = mkdtempSync(join(tmpdir(), 'conntax-machines-'));
      t.after(() => rmSync(folder, { recursive: true }));
      writeFileSync(join(folder, 'm.json'), text);
      assert.throws(() => statedMachines({ machines: 'm.json' }, folder), message);
    });
  }

  test('of a file that is not there are refused', () => {
    assert.throws(() => statedMachines({ machines: 'none.json' }, tmpdir()), /none\.json: file not found/);
  });
});

describe('of a server', () => {
  const rows: [words: string[], message: RegExp][] = [
    [['--watch-port', '80'], /--watch-port is of the machine that --server reaches/],
    [['--server-address', '10.0.0.5'], /--server-address is of the machine/],
    [['--server', 'true', '--server-address', '0.0.0.0'], /Expected: an IPv4 address/],
    [
      ['--server', 'true', '--server-address', '10.0.0.5'],
      /--server-address http:\/\/10\.0\.0\.5\/: 10\.0\.0\.5 is not on loopback[\s\S]*--allow-host 10\.0\.0\.5/,
    ],
  ];
  for (const [words, message] of rows) {
    test(`${words.join(' ')} is refused before anything is started`, async () => {
      const { status, stderr } = await callCli(['run', 'short-vs-persistent', ...words], { cwd: tmpdir() });
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
    });
  }
});
