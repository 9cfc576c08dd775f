// In: nothing. Out: on standard output, where the relay of a link should run when the cores are full: its lateness and
// what a scenario's figures become. Placements and priorities in turns, each over a relay of its own. Takes about a minute.
import Table from 'cli-table3';
import type { Trial } from '../../results/model/trial.ts';
import { createRandom, shuffled } from '../../results/random.ts';
import { Client } from '../../scenarios/model/client.ts';
import { ClosedLoad } from '../../scenarios/model/load.ts';
import { Link, Target } from '../../scenarios/model/target.ts';
import { latenessQuantileMs, latenessSince } from '../../servers/protocol.ts';
import type { GeneratorCommand, GeneratorReply, SliceReading } from '../protocol.ts';
import { type Child, spawnChild } from '../run/child.ts';
import { type LinkProcess, startLink, startTarget, type TargetProcess } from '../run/targets.ts';
import { announce } from './machine.ts';

const CONCURRENCY = 100;
const TURNS = 3;
const NICENESSES = [0, 10];
const PLAIN = { head: [], border: [] };

const link = Link.parse({ roundTripMs: 21 });
const target = Target.parse({ tls: '1.2', behaviour: { name: 'delay', meanMs: 5 } });
const clients = {
  'short, full handshakes': Client.parse({ requestsPerConnection: 1, pool: { tlsSessions: 'none' } }),
  persistent: Client.parse({ pool: { maxConnections: CONCURRENCY } }),
};

const host = await announce(
  `Link under pressure: TLS 1.2, round trip ${link.roundTripMs} ms, 5 ms of service, concurrency ${CONCURRENCY}`,
);
const { targetCpu, generatorCpu } = host.pinning ?? { targetCpu: null, generatorCpu: null };
const placements = host.pinning
  ? { "the target's core": targetCpu, "the generators' core": generatorCpu, 'not pinned': null }
  : { 'not pinned': null };

interface Subject {
  placement: string;
  niceness: number;
  relay: LinkProcess;
  generator: Child<GeneratorCommand, GeneratorReply>;
  rates: number[];
  meansMs: number[];
  lateness: number[];
  cpuMs: number;
  runDelayMs: number;
  wallMs: number;
}

const targets: TargetProcess[] = [];
try {
  for (const niceness of NICENESSES) targets.push(await startTarget(target, 1, targetCpu, { niceness }));
  for (const [name, client] of Object.entries(clients)) await printClient(name, client);
} finally {
  await Promise.all(targets.map(one => one.kill()));
}

async function startSubject(
  placement: string,
  cpu: number | null,
  which: number,
  client: Client,
): Promise<Subject> {
  const { endpoint } = targets[which]!;
  const niceness = NICENESSES[which]!;
  const upstreamPort = Number(new URL(endpoint.origin).port);
  const relay = await startLink({ link, upstreamPort, seed: 1, cpu });
  const generator: Subject['generator'] = spawnChild({
    title: `the generator for ${placement}`,
    entry: './generator-child',
    cpu: generatorCpu,
    niceness,
  });
  const trial: Trial = {
    id: placement,
    scenario: '',
    cell: '',
    replicate: 0,
    arm: placement,
    seed: 1,
    target,
    load: ClosedLoad.parse({ concurrency: CONCURRENCY }),
    client,
    phases: true,
  };
  const origin = `https://127.0.0.1:${relay.port}`;
  await generator.ask({ type: 'prepare', trial, endpoint: { ...endpoint, origin } }, 'ready', 20_000);
  return {
    placement,
    niceness,
    relay,
    generator,
    rates: [],
    meansMs: [],
    lateness: [],
    cpuMs: 0,
    runDelayMs: 0,
    wallMs: 0,
  };
}

async function slice({ generator }: Subject, windowMs: number): Promise<SliceReading> {
  const order = { rampMs: 200, windowMs, drainMs: 2_000, isRecorded: true, epochMs: Date.now() };
  return (await generator.ask({ type: 'slice', order }, 'slice', 20_000)).reading;
}

async function measure(subject: Subject): Promise<void> {
  const before = await subject.relay.read();
  const { completed, windowMs, meanUs } = await slice(subject, 1_000);
  const after = await subject.relay.read();
  subject.rates.push((completed / windowMs) * 1_000);
  subject.meansMs.push(meanUs / 1_000);
  for (const [bin, count] of latenessSince(before.latenessCounts, after.latenessCounts).entries()) {
    subject.lateness[bin] = (subject.lateness[bin] ?? 0) + count;
  }
  subject.cpuMs += (after.cpuUs - before.cpuUs) / 1_000;
  subject.runDelayMs += after.runDelayMs - before.runDelayMs;
  subject.wallMs += after.atMs - before.atMs;
}

async function printClient(name: string, client: Client): Promise<void> {
  const random = createRandom(1, 'pressure', name);
  const subjects: Subject[] = [];
  try {
    for (const which of NICENESSES.keys()) {
      for (const [placement, cpu] of Object.entries(placements)) {
        subjects.push(await startSubject(placement, cpu, which, client));
      }
    }
    for (const subject of subjects) await slice(subject, 1_000); // warms up
    for (let turn = 0; turn < TURNS; turn++) {
      for (const subject of shuffled(subjects, random)) await measure(subject);
    }
  } finally {
    await Promise.all(subjects.flatMap(({ relay, generator }) => [relay.kill(), generator.kill()]));
  }
  const table = new Table({
    style: PLAIN,
    head: [
      'relay on',
      'niceness of the others',
      'requests/s',
      'mean, ms',
      'late p50',
      'p90',
      'p99',
      'CPU',
      'waiting',
    ],
  });
  for (const { placement, niceness, rates, meansMs, lateness, cpuMs, runDelayMs, wallMs } of subjects) {
    table.push([
      placement,
      niceness,
      rates.map(Math.round).join(' '),
      meansMs.map(ms => ms.toFixed(0)).join(' '),
      ...[0.5, 0.9, 0.99].map(q => latenessQuantileMs(lateness, q).toFixed(1)),
      `${((100 * cpuMs) / wallMs).toFixed(0)} %`,
      `${((100 * runDelayMs) / wallMs).toFixed(0)} %`,
    ]);
  }
  console.log(
    `${name}; late: when the relay wrote against when it was due, in ms; waiting: ready to run, but without a core.\n${table.toString()}\n`,
  );
}
