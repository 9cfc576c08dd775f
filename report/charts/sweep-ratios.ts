// In: a sweep and a measure. Out: each arm against the baseline along the sweep; of two settings, a picture an arm.
import { signsOf } from '../cell-view.ts';
import { titleOf } from '../sweeps/report.ts';
import {
  baselineOf,
  candidatesOf,
  type Measure,
  ratioFigures,
  type SweepFigure,
  type SweepView,
  valueText,
} from '../sweeps/view.ts';
import type { SweepChart, SweepPicture } from './chart.ts';
import { type Line, lineSpec, sharedMarks } from './sweep.ts';
import { armScales, stepScales } from './theme.ts';

const chart: SweepChart = {
  name: 'ratios',
  pictures(sweep, measure) {
    const candidates = candidatesOf(sweep)
      .map(name => ({ name, figures: ratioFigures(sweep, name, measure) }))
      .filter(({ figures }) => figures.length > 0);
    if (candidates.length === 0) return [];
    return sweep.other === undefined
      ? [allPicture(sweep, measure, candidates)]
      : candidates.map(candidate => onePicture(sweep, measure, candidate));
  },
};
export default chart;

interface Candidate {
  name: string;
  figures: readonly SweepFigure[];
}

function caption(sweep: SweepView, measure: Measure): string {
  return `${titleOf(measure)} over that of ${baselineOf(sweep)}, by ${sweep.x.name}, with 95 % intervals, paired within each cell. 1: as the baseline.`;
}

function lineOf(label: string, figures: readonly SweepFigure[]): Line {
  return {
    label: `${label}${signsOf(sharedMarks(figures))}`,
    figures,
    tip: ({ cell, text, marks }) => `${label}, ${cell.place}: ${text}${signsOf(marks)}`,
  };
}

function axisTitle(name: string | undefined, sweep: SweepView): string {
  return `${name ?? 'ratio'} / ${baselineOf(sweep)}`;
}

function allPicture(sweep: SweepView, measure: Measure, candidates: readonly Candidate[]): SweepPicture {
  const lines = candidates.map(({ name, figures }) => lineOf(name, figures));
  const scales = armScales(
    lines.map(({ label }, index) => ({
      label,
      look: sweep.arms.find(({ name }) => name === candidates[index]!.name)!.look,
    })),
  );
  const only = candidates.length === 1 ? candidates[0]!.name : undefined;
  return {
    title: `Against ${baselineOf(sweep)}`,
    caption: `${caption(sweep, measure)} One line a client.`,
    spec: widthPx =>
      lineSpec({ x: sweep.x, lines, scales, title: axisTitle(only, sweep), isRatio: true }, widthPx),
  };
}

function onePicture(sweep: SweepView, measure: Measure, { name, figures }: Candidate): SweepPicture {
  const other = sweep.other!;
  const lines = other.values
    .map(value =>
      lineOf(
        valueText(value),
        figures.filter(figure => figure.other === value),
      ),
    )
    .filter(line => line.figures.length > 0);
  const scales = stepScales(lines.map(({ label }) => label));
  return {
    title: `${name} against ${baselineOf(sweep)}`,
    caption: `${caption(sweep, measure)} One line for each ${other.name}.`,
    spec: widthPx =>
      lineSpec(
        {
          x: sweep.x,
          lines,
          scales,
          legendTitle: other.name,
          title: axisTitle(name, sweep),
          isRatio: true,
        },
        widthPx,
      ),
  };
}
