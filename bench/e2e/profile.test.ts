// Profiles of a run are what developer tools open, and change none of its figures.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runHere } from './testing/cli.ts';
import { openWorkspace, RUN_FILES, tinyScenario } from './testing/workspace.ts';

/** Of the format of V8's CPU profiles. */
interface CpuProfile {
  nodes: { callFrame: { functionName: string; url: string } }[];
  samples: number[];
}

test('--profile keeps a profile and a snapshot of each client and of the server meanwhile', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({
    ...tinyScenario(),
    clients: { short: { transport: 'wire', requestsPerConnection: 1 } },
    baseline: 'short',
  });
  const { status, stderr } = await runHere(t, ['run', file, '--profile'], { cwd: workspace.dir });
  assert.equal(status, 0, stderr);
  const { dir, files, trials } = workspace.onlyRun();
  assert.deepEqual(files, [...RUN_FILES, 'profiles'].sort());
  const folder = join(dir, 'profiles', 'tiny');
  const names = ['client.cpuprofile', 'client.heapsnapshot', 'server.cpuprofile', 'server.heapsnapshot'];
  assert.deepEqual(
    readdirSync(folder).sort(),
    names.map(name => `1-short.${name}`),
  );
  assert.match(stderr, /^Profiles: .*profiles \(/m);

  const read = (name: string) => JSON.parse(readFileSync(join(folder, `1-short.${name}`), 'utf8'));
  const filesIn = ({ nodes }: CpuProfile): string => nodes.map(({ callFrame }) => callFrame.url).join('\n');
  const client: CpuProfile = read('client.cpuprofile');
  assert.ok(client.samples.length > 100, `${client.samples.length} samples of a second under load`);
  assert.match(filesIn(client), /wire-connection/);
  assert.doesNotMatch(filesIn(client), /fastify/);
  assert.match(filesIn(read('server.cpuprofile')), /fastify/);
  assert.ok(
    read('client.heapsnapshot').strings.includes('WireConnection'),
    'objects by the names of their classes',
  );
  assert.ok(read('server.heapsnapshot').snapshot.node_count > 1_000);

  const [trial] = trials;
  assert.ok(trials.length === 1 && trial?.state === 'completed', 'no trial of the profile');
  const { ledger } = trial.measurement;
  assert.equal(ledger.accepted, ledger.opened, 'connections of the profiled slice are in no ledger');
});
