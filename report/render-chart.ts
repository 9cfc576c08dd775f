// In: a Vega-Lite spec. Out: a static SVG that needs no script, with words for those who can't see it.
import * as vega from 'vega';
import type { TopLevelSpec } from 'vega-lite';
import { compile } from 'vega-lite';
import { visibleLines } from '../results/visible.ts';

export interface RenderOptions {
  /** Unique in the page: two pictures must not share ids, else one is clipped by the other's frame. */
  id: string;
  /** Read out in place of the picture. */
  description: string;
  /** Told each warning of the compiler. */
  onWarning?: (warning: string) => void;
}

/** Renders at the size that the spec asks for. Throws Error when the spec is wrong. */
export async function renderChart(spec: TopLevelSpec, options: RenderOptions): Promise<string> {
  const faults: string[] = [];
  const logger = createLogger(options.onWarning ?? (() => {}), faults);
  const compiled = compile(spec, { logger });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logger });
  try {
    const svg = await view.toSVG();
    if (faults[0] !== undefined) throw new Error(faults[0]);
    return visibleLines(labelled(svg, options));
  } finally {
    view.finalize();
  }
}

/** `role="img"` hides the parts from screen readers: the table beside the picture reads better. */
function labelled(svg: string, { id, description }: RenderOptions): string {
  return svg
    .replace(/^<svg /, () => `<svg role="img" aria-label="${escapeAttribute(description)}" `)
    .replace(
      /(\sid="|url\(#)((?:clip|gradient)\w*)/g,
      (_, before: string, name: string) => `${before}${id}-${name}`,
    );
}

function escapeAttribute(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** @param faults gets what went wrong: vega tells some of it where nobody could catch what is thrown. */
function createLogger(onWarning: (warning: string) => void, faults: string[]): vega.LoggerInterface {
  const logger: vega.LoggerInterface = {
    level: ((level?: number) => (level === undefined ? vega.Warn : logger)) as vega.LoggerInterface['level'],
    error: (...words) => {
      faults.push(words.join(' '));
      return logger;
    },
    warn: (...words) => {
      onWarning(words.join(' '));
      return logger;
    },
    info: () => logger,
    debug: () => logger,
  };
  return logger;
}
