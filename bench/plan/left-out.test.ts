// Which clients are left out because a load tool would miscount a server's answers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '../../results/errors.ts';
import type { ForeignServer } from '../../results/model/run.ts';
import { FOUND_SERVER } from '../../results/testing/sample-run.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import wrk from '../tools/wrk.ts';
import { leaveOutUnreadable } from './left-out.ts';
import { planRun } from './plan.ts';

describe("A load tool that would count a server's answers wrongly is not sent to it: left out where the scenario allows, else refused", () => {
  function leaveOut(found: Partial<ForeignServer>, ifInstalled: boolean, baseline = 'a') {
    const scenario = Scenario.parse({
      name: 'tiny',
      question: 'Is it read?',
      target: { url: FOUND_SERVER.url },
      clients: { a: {}, b: { transport: 'wrk', ifInstalled } },
      baseline,
    });
    const plan = planRun([scenario], { seed: 1 });
    const [cell] = leaveOutUnreadable(
      plan,
      new Map([['tiny', [FOUND_SERVER, { ...FOUND_SERVER, ...found }]]]),
      {
        wrk,
      },
    ).cells;
    return cell!;
  }

  test('where the answers can be read, nothing changes', () => {
    const { arms, leftOut } = leaveOut({ framing: 'chunked' }, false);
    assert.deepEqual([arms, leftOut], [['a', 'b'], []]);
  });

  const unreadable: [found: Partial<ForeignServer>, why: RegExp][] = [
    [{ framing: 'close' }, /counts a response that ends with the connection twice/],
    [{ interimStatuses: [103] }, /takes an interim response \(103\) for the response/],
  ];
  for (const [found, why] of unreadable) {
    test(`${JSON.stringify(found)}: its arm is left out with the reason`, () => {
      const { arms, targets, scenario, leftOut } = leaveOut(found, true);
      assert.deepEqual(
        [arms, Object.keys(scenario.clients), targets.map(target => target.arms)],
        [['a'], ['a'], [['a']]],
      );
      assert.deepEqual(
        leftOut.map(({ arm }) => arm),
        ['b'],
      );
      assert.match(leftOut[0]!.message, why);
    });
  }

  for (const [why, ifInstalled, baseline] of [
    ['it may not be left out', false, 'a'],
    ['it is the baseline', true, 'b'],
  ] as const) {
    test(`it is refused where ${why}, with its place and what is expected`, () => {
      assert.throws(
        () => leaveOut({ framing: 'close' }, ifInstalled, baseline),
        (error: unknown) => {
          assert.ok(error instanceof UsageError);
          assert.match(error.message, /clients\.b\.transport: wrk counts .*transport: hey or autocannon/s);
          return true;
        },
      );
    });
  }
});
