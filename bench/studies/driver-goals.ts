// The goals of the wire client: what it may cost beside wrk, a C loop and autocannon, judged on rounds that took turns.

/** What one driver did in one round; the cost is unknown for some bare tools. */
export interface Round {
  perSec: number;
  cpuUs?: number;
}

export interface Goal {
  /** Such as `at most 1.2 times "wrk, bare"`. */
  text: string;
  /** Median over the rounds of the ratio within a round; undefined where the other was not measured. */
  ratio: number | undefined;
  /** Ratio of the least costs of each, which other work on the machine has disturbed least. */
  leastRatio: number | undefined;
  isMet: boolean;
}

export const WIRE = 'wire';
/** Beside wrk, which resumes its sessions where the server lets it. */
export const WIRE_RESUMED = 'wire, sessions resumed';
export const WRK = 'wrk, bare';
export const FLOOR = 'floor (C), bare';
export const AUTOCANNON = 'autocannon';

interface Limit {
  other: string;
  /** Of the wire client's CPU per request over the other's. */
  most?: number;
  /** Of the other's over the wire client's. */
  least?: number;
}

const PLAIN_LIMITS: readonly Limit[] = [
  { other: WRK, most: 1.2 },
  { other: FLOOR, most: 1.25 },
  { other: AUTOCANNON, least: 1.5 },
];
const TLS_LIMITS: readonly Limit[] = [{ other: WRK, most: 1.3 }];

/** The middle value; of an even number, the higher of the two. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function leastRatio([costs, others]: [number[], number[]]): number | undefined {
  const [least, otherLeast] = [costs, others].map(us => Math.min(...us.filter(value => value > 0)));
  const ratio = least! / otherLeast!;
  return ratio > 0 && Number.isFinite(ratio) ? ratio : undefined;
}

/** Pairs the rounds by their order, because drift of the machine hits all drivers of a round. */
export function judgeGoals(rounds: ReadonlyMap<string, readonly Round[]>, isTls: boolean): Goal[] {
  const name = rounds.has(WIRE_RESUMED) ? WIRE_RESUMED : WIRE;
  const costs = (name: string) => (rounds.get(name) ?? []).map(({ cpuUs }) => cpuUs ?? Number.NaN);
  const wire = costs(name);
  return (isTls ? TLS_LIMITS : PLAIN_LIMITS).map(({ other, most, least }) => {
    const others = costs(other);
    const ratios = wire.map((us, round) => (most === undefined ? others[round]! / us : us / others[round]!));
    const ratio = median(ratios.filter(value => value > 0));
    const text =
      most === undefined
        ? `"${other}" at least ${least} times "${name}"`
        : `"${name}" at most ${most} times "${other}"`;
    return {
      text,
      ratio,
      leastRatio: leastRatio(most === undefined ? [others, wire] : [wire, others]),
      isMet: ratio !== undefined && (most === undefined ? ratio >= least! : ratio <= most),
    };
  });
}
