// The rules between the settings of a scenario, as a refinement of its schema; rules/ has them by subject, names are here.
import type { z } from 'zod';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { issuePaths, nameHint, type Path } from './problems.ts';
import { connectionRules, toolRules, transportRules } from './rules/client.ts';
import { faultRules } from './rules/faults.ts';
import { divisionRule, idleRule, limitRules, loadRules, timingRules } from './rules/load.ts';
import { type Finding, findingsOf, type Rule, type RuleContext } from './rules/rule.ts';
import { backendRules, commandRules, originRules, protocolRules, urlRules } from './rules/target.ts';

/** In the order in which problems are shown; of several at one path only the first. */
function rulesOf(context: RuleContext): Rule[] {
  return [
    ...nameRules(context),
    ...timingRules,
    ...urlRules,
    ...commandRules,
    ...loadRules,
    ...backendRules,
    ...connectionRules,
    ...transportRules(context),
    ...protocolRules,
    ...faultRules,
    ...originRules,
    ...limitRules,
    ...toolRules(context),
    idleRule(context),
    {
      at: 'requests',
      reads: ['request'],
      isBroken: ({ request, requests }) => request !== undefined && requests !== undefined,
      message: 'the clients already send the request of the setting request',
      hint: 'request for one, or requests for several',
    },
    divisionRule(context),
  ];
}

/** Baseline, expectations and published figures name arms that exist. */
function nameRules({ armNames }: RuleContext): Rule[] {
  return [
    {
      at: 'clients',
      isBroken: ({ clients }) => Object.keys(clients).length === 0,
      message: 'no client to measure',
      hint: 'at least one named client',
    },
    {
      at: 'baseline',
      check: ({ baseline }) =>
        armNames.length === 0 || armNames.includes(baseline)
          ? undefined
          : { message: `no client "${baseline}"`, hint: nameHint(baseline, armNames) },
    },
    { at: 'expect', check: ({ expect }) => expectationFindings(expect, armNames) },
    { at: 'expect', reads: ['sweep'], check: placeFindings },
    { at: 'published', check: ({ published }) => publishedFindings(published, armNames) },
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

/**
 * The schema of a scenario with the rules between its settings. They run even if some settings are invalid, as far as they do
 * not read those, so that an author sees all problems at once.
 */
export function withRules(schema: z.ZodType<Scenario>, context: RuleContext): z.ZodType<Scenario> {
  const rules = rulesOf(context);
  return schema.superRefine(
    (scenario, { issues, addIssue }) => {
      const faulty = issues.flatMap(issuePaths);
      const found = new Set<string>();
      for (const rule of rules) {
        for (const { path, message, hint } of findingsOf(rule, scenario, context, faulty)) {
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
