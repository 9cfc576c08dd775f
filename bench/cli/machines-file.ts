// Reads a file of machines. Everything that is wrong with one is said at once, as of a scenario file.
import { resolve } from 'node:path';
import { z } from 'zod';
import { errorMessage, type Problem, UsageError } from '../../results/errors.ts';
import { readTextFile } from '../../results/files.ts';
import type { StatedMachine } from '../machines/fleet.ts';
import { problemsOf } from '../plan/problems.ts';
import { formatProblems } from '../plan/read-scenarios.ts';
import { findDuplicateKeys, parseJson } from '../plan/scenario-json.ts';

const MOST_CORES = 1_024;
const EXAMPLE = '[{ "name": "gen1", "command": "ssh gen1 npx conntax agent", "cores": 4 }]';

const StatedMachines = z
  .array(
    z.strictObject({
      name: z.string().min(1).optional(),
      command: z.string().min(1),
      cores: z.int().min(1).max(MOST_CORES).optional(),
      weight: z.number().gt(0).optional(),
    }),
  )
  .min(1)
  .superRefine((listed, context) => {
    for (const [index, { name }] of listed.entries()) {
      const first = listed.findIndex(other => other.name === name);
      if (name === undefined || first === index) continue;
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: `${JSON.stringify(name)} is also the name of machines.${first}`,
        params: { hint: 'each name once' },
      });
    }
  });

/** With a name for the list, which problems begin with. */
const Content = z.strictObject({ machines: StatedMachines });
const SCHEMA = z.toJSONSchema(Content, { io: 'input' });

/** @throws UsageError for a file that cannot be read, or with something else than machines */
export function readMachinesFile(file: string, cwd: string): StatedMachine[] {
  const title = `--machines ${file}`;
  const text = readTextFile(resolve(cwd, file));
  if (text === undefined)
    throw new UsageError(`${title}: file not found; expected: a file such as ${EXAMPLE}`);
  let machines: unknown;
  try {
    machines = parseJson(text);
  } catch (error) {
    throw new UsageError(
      `${title} is not JSON (${errorMessage(error)}); expected: a list of machines such as ${EXAMPLE}`,
    );
  }
  const raw = { machines };
  const parsed = Content.safeParse(raw);
  const problems = [
    ...findDuplicateKeys(text).map(
      ({ path, message }): Problem => ({
        file: title,
        path: `machines.${path}`,
        message,
        hint: 'each key once',
      }),
    ),
    ...problemsOf(parsed.error?.issues ?? [], raw, title, SCHEMA),
  ];
  if (parsed.success && problems.length === 0) return parsed.data.machines;
  throw new UsageError(
    `${formatProblems(problems, 'file of machines')}\n\nA file of machines is a list such as ${EXAMPLE}.`,
    problems,
  );
}
