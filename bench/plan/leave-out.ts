// In: valid scenarios. Out: the same without the arms whose program is not installed here, and which those are.
import type { Client } from '../../scenarios/model/client.ts';
import type { ClientPlugin } from '../contracts.ts';
import type { LeftOutArm } from '../../results/model/run.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';

type Transports = Readonly<Record<string, ClientPlugin>>;

/** Why an arm that may be left out (`ifInstalled`) is; undefined where it stays. */
function leftOutOf(
  arm: string,
  { ifInstalled, transport }: Client,
  transports: Transports,
): LeftOutArm | undefined {
  const plugin = ifInstalled && Object.hasOwn(transports, transport) ? transports[transport] : undefined;
  const obstacle = plugin?.kind === 'engine' ? plugin.missing?.() : undefined;
  return obstacle === undefined ? undefined : { arm, ...obstacle };
}

/** A baseline is never left out, so an arm remains in each. */
export function leaveOutMissing(variants: readonly Variant[], transports: Transports): Variant[] {
  return variants.map(variant => {
    const arms = Object.entries(variant.clients);
    const leftOut = arms.flatMap(([arm, client]) => leftOutOf(arm, client, transports) ?? []);
    if (leftOut.length === 0) return variant;
    const clients = arms.filter(([arm]) => leftOut.every(({ arm: name }) => name !== arm));
    return { ...variant, clients: Object.fromEntries(clients), leftOut };
  });
}
