// The ports that servers print when they have started are found, and other numbers are not taken for one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { portsInOutput } from './started-server.ts';

const found: [output: string, ...ports: number[]][] = [
  ['Listening on http://localhost:3000\n', 3000],
  [
    '{"level":30,"time":1764400000000,"pid":4711,"msg":"Server listening at http://127.0.0.1:43211"}\n',
    43_211,
  ],
  ['connected to localhost:5432\nServing HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...\n', 5432, 8000],
  ['  ➜  Local:   \u001b[36mhttp://localhost:\u001b[1m5173\u001b[22m/\u001b[39m\n', 5173],
  ['2026/11/29 12:30:05 listening on :8080\n', 8080],
  ['* Listening on http://[::1]:9292\nUse Ctrl-C to stop\n', 9292],
  ['[::]:8443\n', 8443],
  ['Tomcat started on port(s): 8080\nTomcat started on port 8081 (http)\n', 8080, 8081],
  ['port=4000\n', 4000],
  ['{"port":4001}\n', 4001],
  ['App is ready, PORT: 4002.\n', 4002],
];

const none: [why: string, output: string][] = [
  ['nothing', ''],
  ['a line that is not complete', 'Listening on http://localhost:30'],
  ['a time', '12:30:05 starting\n2026-11-29T12:30:05.123Z ready in 345 ms\n'],
  ['a version and a process', 'node v26.10.0, pid 4711\n'],
  ['no port', 'port 0\nport 123456\n'],
  ['a word that ends in port', 'report 2026 of transport 12\n'],
];

describe('the ports that a server prints', () => {
  for (const [output, ...ports] of found) {
    test(`${JSON.stringify(output)} has ${ports}`, () => assert.deepEqual(portsInOutput(output), ports));
  }
  for (const [why, output] of none) {
    test(`${why} has none`, () => assert.deepEqual(portsInOutput(output), []));
  }
});
