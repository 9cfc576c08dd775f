// Draws a Vega-Lite spec as a static SVG that needs no script and can be read by colour variables of its page.
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { visibleLines } from '../../results/visible.ts';
import { slimSvg } from './slim-svg.ts';

export interface RenderOptions {
  /** Unique in the page: if two pictures share ids, one is clipped by the other's frame. */
  id: string;
  /** Read by screen readers instead of the picture. */
  description: string;
  /** Receives each warning of the compiler. */
  onWarning?: (warning: string) => void;
}

/** Renders a Vega-Lite spec at its own size to a static SVG that needs no script. @throws Error if the spec is wrong. */
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

/** Below the picture, for a line of text. */
const FOOTER_PX = 18;

/** Small dots on lines, which are there for their words. */
const DOTS = /<circle[^>]* r="1(?:\.\d)?"[^>]*(?:\/>|><\/circle>)/g;

/** The chart as a file of its own on white, with a line below it; without the words of its marks, which an image does not show. */
export async function pictureFile(
  spec: TopLevelSpec,
  { colours, footer, ...options }: RenderOptions & { colours: string; footer: string },
): Promise<string> {
  const values = new Map(
    [...colours.matchAll(/(--[\w-]+): ([^;]+);/g)].map(([, name, value]) => [name, value]),
  );
  const colour = (name: string): string => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`no colour ${name} for a picture`);
    return value;
  };
  const svg = (await renderChart(spec, options))
    .replaceAll(/<title>[^<]*<\/title>/g, '')
    .replaceAll(DOTS, '')
    .replaceAll(/<(\w+)([^>]*)><\/\1>/g, '<$1$2/>')
    .replaceAll(/var\((--[\w-]+)\)/g, (_, name: string) => colour(name));
  const [, widthPx, heightPx] = /width="(\d+)" height="(\d+)"/.exec(svg)!;
  const allPx = Number(heightPx) + FOOTER_PX;
  const line = `<text x="4" y="${allPx - 6}" font-size="10" fill="${colour('--muted')}">${escapeAttribute(footer)}</text>`;
  return `${svg
    .replace(
      /width="\d+" height="\d+" viewBox="[^"]*"/,
      `width="${widthPx}" height="${allPx}" viewBox="0 0 ${widthPx} ${allPx}"`,
    )
    .replace(/(<svg [^>]*>)/, `$1<rect width="100%" height="100%" fill="${colour('--paper')}"/>`)
    .replace(/<\/svg>\s*$/, `${line}</svg>`)}\n`;
}

/** Of letters where no style sheet sets them. */
const FONT = ' font-family="system-ui, sans-serif" font-size="12"';

/** `role="img"` hides the parts from screen readers; the table beside the picture is easier to listen to. */
function labelled(svg: string, { id, description }: RenderOptions): string {
  return slimSvg(svg)
    .replace(/^<svg /, () => `<svg role="img" aria-label="${escapeAttribute(description)}"${FONT} `)
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

/** @param faults receives errors: vega logs some where a throw could not be caught. */
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
