// The target process: serves a behaviour on commands from the parent, and reports its counters.
import { closest } from 'fastest-levenshtein';
import { UsageError } from '../results/errors.ts';
import { type OpenTarget, openOrigins } from './app.ts';
import type { BehaviourModule } from './behaviour.ts';
import { behaviours } from './behaviours/index.ts';
import { keepCompiledCode, readProcess, serveParent } from './process.ts';
import type { RunningProfile } from './profile.ts';
import { PROTOCOL_VERSION, type TargetCommand, type TargetReply } from './protocol.ts';

type StartCommand = Extract<TargetCommand, { type: 'start' }>;

function reply(message: TargetReply): void {
  process.send?.(message);
}

async function loadBehaviour(name: string): Promise<BehaviourModule> {
  const known = Object.keys(behaviours);
  const load = Object.hasOwn(behaviours, name) ? behaviours[name as keyof typeof behaviours] : undefined;
  if (load) return (await load()).default;
  throw new UsageError(
    `unknown behaviour "${name}": did you mean ${closest(name, known)}? Known: ${known.join(', ')}`,
  );
}

async function start({ target, seed, address }: StartCommand): Promise<OpenTarget> {
  const behaviour = await loadBehaviour(target.behaviour.name);
  const opened = await openOrigins({
    target,
    behaviour,
    seed,
    ...(address === undefined ? {} : { address }),
  });
  keepCompiledCode();
  reply({
    type: 'started',
    protocol: PROTOCOL_VERSION,
    endpoint: opened.endpoint,
    serviceMs: opened.serviceMs,
  });
  return opened;
}

let opening: Promise<OpenTarget> | undefined;
let profile: RunningProfile | undefined;

async function obey(command: TargetCommand): Promise<void> {
  switch (command.type) {
    case 'start':
      if (opening) throw new Error('the target is already started');
      opening = start(command);
      await opening;
      return;
    case 'read': {
      if (!opening) throw new Error('the target is not started yet');
      const opened = await opening;
      reply({ type: 'reading', reading: { ...opened.read(), ...readProcess() } });
      return;
    }
    case 'start-profile':
      profile = await (await import('./profile.ts')).startProfile();
      reply({ type: 'profiling' });
      return;
    case 'save-profile':
      if (!profile) throw new Error('no profile was started');
      await profile.save(command.path);
      reply({ type: 'profiled' });
      return;
    case 'start-slice':
      (await opening)?.startSlice(command.windowAfterMs);
      reply({ type: 'slice-started' });
      return;
    case 'stop':
      await (await opening)?.close();
      process.exit(0);
      break;
    default:
      command satisfies never;
  }
}

serveParent('target-child', obey);
