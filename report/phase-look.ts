// In: a phase. Out: its name and its colour, the same in every chart, readable in any theme.
import type { Phase } from '../results/phases.ts';

export const PHASE_NAMES: Record<Phase, string> = {
  heldBack: 'held back',
  queue: 'queue',
  connect: 'connect',
  tls: 'TLS',
  firstByte: 'first byte',
  body: 'body',
  unsplit: 'not split',
};

/**
 * Phases next to each other differ in hue and in lightness; with any kind of colour vision all can be told apart, and
 * each has a contrast of at least 3 to its ground. Found by search under these conditions; the test holds them.
 */
export const PHASE_COLOURS: Record<Phase, string> = {
  heldBack: '#a48962',
  queue: '#c57601',
  connect: '#950600',
  tls: '#7c2b80',
  firstByte: '#5494e4',
  body: '#015144',
  unsplit: '#84929d',
};
/** The same on a dark ground. */
export const PHASE_COLOURS_DARK: Record<Phase, string> = {
  heldBack: '#e9cca4',
  queue: '#eaa02b',
  connect: '#cd4832',
  tls: '#9469a1',
  firstByte: '#64caff',
  body: '#4a8872',
  unsplit: '#bac4cd',
};

/** A page may override it by a CSS variable. */
export function phaseColour(phase: Phase): string {
  return `var(--phase-${phase}, ${PHASE_COLOURS[phase]})`;
}
