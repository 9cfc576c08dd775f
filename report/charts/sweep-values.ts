// In: a sweep and a measure. Out: what each arm did along the sweep, one line an arm; of two settings, a picture an arm.
import { signsOf } from '../cell-view.ts';
import { titleOf } from '../sweeps/report.ts';
import {
  armFigures,
  type Measure,
  type SweepFigure,
  type SweepView,
  type SweptArm,
  valueText,
} from '../sweeps/view.ts';
import type { SweepChart, SweepPicture } from './chart.ts';
import { type Line, lineSpec, sharedMarks } from './sweep.ts';
import { armScales, stepScales } from './theme.ts';

const chart: SweepChart = {
  name: 'values',
  pictures: (sweep, measure) =>
    sweep.other === undefined ? [armsPicture(sweep, measure)] : armPictures(sweep, measure),
};
export default chart;

function axisTitle({ title, unit }: Measure): string {
  return unit === undefined ? title : `${title} (${unit})`;
}

/** Figures and their bands, in words. */
function caption(sweep: SweepView, measure: Measure): string {
  const bands = measure.hasInterval
    ? 'the centre over the replicates and its 95 % interval'
    : 'of all replicates together';
  return `${titleOf(measure)} by ${sweep.x.name}: ${bands}.`;
}

function lineOf(label: string, figures: readonly SweepFigure[], measure: Measure): Line {
  const unit = measure.unit === undefined ? '' : ` ${measure.unit}`;
  return {
    label: `${label}${signsOf(sharedMarks(figures))}`,
    figures,
    tip: ({ cell, text, marks }) =>
      `${label}, ${cell.place}: ${titleOf(measure).toLowerCase()} ${text}${measure.unit === '%' ? '' : unit}${signsOf(marks)}`,
  };
}

function armsPicture(sweep: SweepView, measure: Measure): SweepPicture {
  const drawn = sweep.arms.map(arm => ({
    arm,
    line: lineOf(arm.label, armFigures(sweep, arm.name, measure), measure),
  }));
  const scales = armScales(drawn.map(({ arm: { look }, line: { label } }) => ({ look, label })));
  const lines = drawn.map(({ line }) => line).filter(({ figures }) => figures.length > 0);
  return {
    title: sweep.arms.length === 1 ? sweep.arms[0]!.label : 'Each client',
    caption: `${caption(sweep, measure)} One line a client.`,
    spec: widthPx =>
      lineSpec({ x: sweep.x, lines, scales, title: axisTitle(measure), isRatio: false }, widthPx),
  };
}

function armPictures(sweep: SweepView, measure: Measure): SweepPicture[] {
  const { other, x } = sweep;
  if (other === undefined) return [];
  return sweep.arms.flatMap((arm: SweptArm): SweepPicture[] => {
    const figures = armFigures(sweep, arm.name, measure);
    if (figures.length === 0) return [];
    const lines = other.values
      .map(value =>
        lineOf(
          valueText(value),
          figures.filter(figure => figure.other === value),
          measure,
        ),
      )
      .filter(line => line.figures.length > 0);
    const scales = stepScales(lines.map(({ label }) => label));
    return [
      {
        title: arm.label,
        caption: `${caption(sweep, measure)} One line for each ${other.name}.`,
        spec: widthPx =>
          lineSpec(
            { x, lines, scales, legendTitle: other.name, title: axisTitle(measure), isRatio: false },
            widthPx,
          ),
      },
    ];
  });
}
