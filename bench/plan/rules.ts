// The rules between the settings of a scenario, as a refinement of its schema; rules/ has them by subject, names are here.
import type { z } from 'zod';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { issuePaths, nameHint, type Path } from './problems.ts';
import { connectionRules, engineRules, transportRules } from './rules/client.ts';
import { faultRules } from './rules/faults.ts';
import { limitRules } from './rules/limits.ts';
import { divisionFindings, idleFindings, loadRules, timingRules } from './rules/load.ts';
import { originRules } from './rules/origins.ts';
import type { Finding, Rule, RuleContext } from './rules/rule.ts';
import { backendRules, protocolRules, targetCommandRules, targetUrlRules } from './rules/target.ts';

/** Baseline, expectations and published figures name arms that exist. */
function nameRules({ armNames }: RuleContext): Rule[] {
  return [
    {
      reads: [['clients']],
      check: ({ clients }) =>
        Object.keys(clients).length > 0
          ? undefined
          : { path: ['clients'], message: 'no client to measure', hint: 'at least one named client' },
    },
    {
      reads: [['baseline']],
      check: ({ baseline }) =>
        armNames.length === 0 || armNames.includes(baseline)
          ? undefined
          : {
              path: ['baseline'],
              message: `no client "${baseline}"`,
              hint: nameHint(baseline, armNames),
            },
    },
    { reads: [['expect']], check: ({ expect }) => expectationFindings(expect, armNames) },
    { reads: [['expect'], ['sweep']], check: placeFindings },
    { reads: [['published']], check: ({ published }) => publishedFindings(published, armNames) },
  ];
}

/** Expectations must name existing arms, and two different ones for a ratio. */
function expectationFindings(expect: Scenario['expect'], armNames: readonly string[]): Finding[] {
  return expect.flatMap(({ of, over }, index): Finding[] => {
    const at = (key: string): Path => ['expect', index, key];
    const unknown = (['of', 'over'] as const)
      .map(key => ({ key, arm: key === 'of' ? of : over }))
      .filter(({ arm }) => arm !== undefined && !armNames.includes(arm))
      .map(({ key, arm = '' }) => ({
        path: at(key),
        message: `no client "${arm}"`,
        hint: nameHint(arm, armNames),
      }));
    if (over !== of) return unknown;
    const message = `the ratio of ${of} to itself is always 1`;
    return [{ path: at('over'), message, hint: 'another client, or no over' }, ...unknown];
  });
}

/** Points that an expectation names must be points of the sweep. */
function placeFindings({ expect, sweep = {} }: Scenario): Finding[] {
  return expect.flatMap(({ at = {} }, index) =>
    Object.entries(at).flatMap(([setting, values]): Finding[] => {
      const path = ['expect', index, 'at', setting];
      if (!Object.hasOwn(sweep, setting)) {
        const swept = Object.keys(sweep);
        const hint = swept.length === 0 ? 'no at, or a sweep of this setting' : nameHint(setting, swept);
        return [{ path, message: 'this setting is not swept', hint }];
      }
      const unknown = values.find(value => !sweep[setting]!.includes(value));
      if (unknown === undefined) return [];
      const message = `${JSON.stringify(unknown)} is not a value of the sweep`;
      return [{ path, message, hint: `values of ${sweep[setting]!.join(', ')}` }];
    }),
  );
}

/** Published figures are shown beside a client's own, so each row names one client, and each client has at most one row. */
function publishedFindings(published: Scenario['published'], armNames: readonly string[]): Finding[] {
  const rows = published?.rows ?? [];
  return rows.flatMap(({ arm }, index) => {
    const path = ['published', 'rows', index, 'arm'];
    if (!armNames.includes(arm))
      return [{ path, message: `no client "${arm}"`, hint: nameHint(arm, armNames) }];
    const isFirst = rows.findIndex(row => row.arm === arm) === index;
    return isFirst ? [] : [{ path, message: `"${arm}" already has a row`, hint: 'one row per client' }];
  });
}

function rulesOf(context: RuleContext): Rule[] {
  return [
    ...nameRules(context),
    ...timingRules(),
    ...targetUrlRules(context),
    ...targetCommandRules(context),
    ...loadRules(),
    ...backendRules(),
    ...connectionRules(context),
    ...transportRules(context),
    ...protocolRules(context),
    ...faultRules(context),
    ...originRules(context),
    ...limitRules(),
    ...engineRules(context),
    {
      reads: ['timing', 'load', 'link', 'target', 'clients'].map(name => [name]),
      check: scenario => idleFindings(scenario, context.behaviours),
    },
    {
      reads: [['request'], ['requests']],
      check: ({ request, requests }) =>
        request === undefined || requests === undefined
          ? undefined
          : {
              path: ['requests'],
              message: 'the clients already send the request of the setting request',
              hint: 'request for one, or requests for several',
            },
    },
    {
      reads: ['generators', 'load', 'clients'].map(name => [name]),
      check: scenario => divisionFindings(scenario, context.transports),
    },
  ];
}

/** Whether one of these paths is above, at or below the other. */
function isTouched(path: Path, faulty: readonly Path[]): boolean {
  return faulty.some(other => {
    const shared = Math.min(path.length, other.length);
    return path.slice(0, shared).every((key, index) => String(key) === String(other[index]));
  });
}

/**
 * The schema of a scenario with the rules between its settings. They run even if some settings are invalid, as far as they do
 * not read those, so that an author sees all problems at once; of several at one path only the first.
 */
export function withRules(schema: z.ZodType<Scenario>, context: RuleContext): z.ZodType<Scenario> {
  return schema.superRefine(
    (scenario, { issues, addIssue }) => {
      const faulty = issues.flatMap(issuePaths);
      const found = new Set<string>();
      for (const { reads, check } of rulesOf(context)) {
        if (reads.some(path => isTouched(path, faulty))) continue;
        for (const { path, message, hint } of [check(scenario) ?? []].flat()) {
          const place = path.join('\0');
          if (found.has(place)) continue;
          found.add(place);
          addIssue({ code: 'custom', path: [...path], message, params: { hint } });
        }
      }
    },
    { when: () => true },
  );
}
