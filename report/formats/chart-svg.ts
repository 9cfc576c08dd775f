// Draws a Vega-Lite spec as a small static SVG that needs no script and takes its colours from variables of its page.
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { visibleLines } from '../../results/visible.ts';

interface RenderOptions {
  /** Unique in the page: if two pictures share ids, one is clipped by the other's frame. */
  id: string;
  /** Read by screen readers instead of the picture. */
  description: string;
  /** Receives each warning of the compiler. */
  onWarning?: (warning: string) => void;
}

/** The spec at its own size. @throws Error if the spec is wrong. */
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

/** The font of letters where no style sheet sets it. */
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

/** What Vega says of each part to screen readers, which the picture's own role hides, and what it writes for its events. */
const UNUSED =
  / (?:role="graphics-[^"]*"|aria-roledescription="[^"]*"|aria-hidden="true"|pointer-events="none"|class="[^"]*"|opacity="1"|transform="translate\(0,0\)"|stroke-miterlimit="[^"]*"|xmlns:xlink="[^"]*"|version="[^"]*")/g;
/** Frames of groups, which are never filled. */
const FRAMES = /<path class="(?:background|foreground)"[^>]*\/>/g;
const TAG = /<\w[^>]*>/g;
const GROUP_LABEL = /^(<g(?: [^>]*)?) aria-label="[^"]*"/;
/** It repeats the font at each text; once for all is enough. */
const OWN_FONT = / font-(?:family|size)="[^"]*"/g;
/** Places and sizes, which it writes with up to 16 digits. */
const GEOMETRY = / (?:d|transform|[xy][12]?|width|height)="[^"]*"/g;
const LONG_NUMBER = /-?\d+\.\d{2,}(?:e-?\d+)?/g;
/** A path of straight lines between absolute places, closed or open. */
const POLYGONS = / d="((?:M-?[\d.]+,-?[\d.]+(?:L-?[\d.]+,-?[\d.]+)*Z?)+)"/;
const STEPS = /([MLZ])(?:(-?[\d.]+),(-?[\d.]+))?/g;
/** A straight line as Vega draws it: from the place to which it is moved. */
const LINE = /<line((?: [\w-]+="[^"]*")*)\/>/g;
const MOVED = / transform="translate\(([^,"]+),([^)"]+)\)"/;
const ACROSS = / x2="([^"]*)"/;
const DOWN = / y2="([^"]*)"/;
/** Neighbouring paths of one line each that differ only in their places, and have no label. */
const ALIKE =
  /<path d="M[-\d.,]+[hvl][-\d.,]+"((?: (?!aria-label|opacity)[\w-]+="[^"]*")*)\/>(?:<path d="M[-\d.,]+[hvl][-\d.,]+"\1\/>)+/g;
const PLACES = / d="([^"]*)"/g;
/** A text on one line that is only moved. */
const MOVED_TEXT = /<text((?: [^>]*?)?) transform="translate\(([^,"]+),([^)"]+)\)"([^>]*)>(?=[^<]*<\/text>)/g;
/** A disc as Vega draws it: two arcs around the place to which it is moved. */
const DISC =
  /^<path([^>]*) transform="translate\(([^,"]+),([^)"]+)\)" d="M([\d.]+),0A\4,\4,0,1,1,-\4,0A\4,\4,0,1,1,\4,0Z?"/;
const PARTS = /<(\w+)[^>]*(?:\/>|>[^<]*<\/\w+>)/g;
const GROUP_ENDS = /<g(?: [^>]*)?>|<\/g>/g;
const LEAVES = /<g((?: [^>]*)?)>((?:<(?:line|path|circle|rect|text)(?: [^>]*)?(?:\/>|>[^<]*<\/\w+>))+)<\/g>/g;
const LEAF = /<(\w+)([^>]*?)(\/>|>)/;
/** Attributes that a part inherits from its group. */
const INHERITED =
  / (?:fill|stroke|stroke-width|stroke-dasharray|stroke-linecap|text-anchor|font-weight)="[^"]*"/g;
const LABELLED = /<(line|path|circle|rect)([^>]*?) aria-label="([^"]*)"([^>]*?)\/>/g;

/** The same picture with its marks' labels as titles, which browsers show without a script. */
export function slimSvg(svg: string): string {
  return svg
    .replaceAll(FRAMES, '')
    .replaceAll(TAG, slimTag)
    .replaceAll(/<g(?: [^>]*)?><\/g>/g, '')
    .replaceAll(LEAVES, (_, attributes: string, leaves: string) => raiseShared(attributes, leaves))
    .replaceAll(LINE, (_, attributes: string) => lineAsPath(attributes))
    .replaceAll(ALIKE, (paths, attributes: string) => {
      const places = [...paths.matchAll(PLACES)].map(([, place]) => place);
      return `<path d="${places.join('')}"${attributes}/>`;
    })
    .replaceAll(MOVED_TEXT, '<text$1 x="$2" y="$3"$4>')
    .replaceAll(LABELLED, '<$1$2$4><title>$3</title></$1>')
    .replaceAll(GROUP_ENDS, dropBareGroups());
}

/** Drops both tags of groups that have no attributes. */
function dropBareGroups(): (tag: string) => string {
  const areBare: boolean[] = [];
  return tag => {
    if (tag === '</g>') return areBare.pop() ? '' : tag;
    areBare.push(tag === '<g>');
    return tag === '<g>' ? '' : tag;
  };
}

/** Texts stay as they are, whatever they contain. */
function slimTag(tag: string): string {
  return tag
    .replaceAll(UNUSED, '')
    .replaceAll(OWN_FONT, '')
    .replace(GROUP_LABEL, '$1')
    .replaceAll(GEOMETRY, attribute => attribute.replaceAll(LONG_NUMBER, rounded))
    .replace(POLYGONS, (_, path: string) => ` d="${shortPath(path)}"`)
    .replace(DISC, '<circle$1 cx="$2" cy="$3" r="$4"');
}

/** To a tenth of a pixel. */
function rounded(number: string): string {
  return String(Number(Number(number).toFixed(1)));
}

/** The same corners, each relative to the one before, which takes fewer digits. The corners are what is rounded, so errors do not add up. */
function shortPath(path: string): string {
  let [x, y] = [0, 0];
  return path.replaceAll(STEPS, (_, step: string, toX: string | undefined, toY: string | undefined) => {
    if (toX === undefined || toY === undefined) return 'z';
    const [byX, byY] = [rounded(String(Number(toX) - x)), rounded(String(Number(toY) - y))];
    [x, y] = [Number(toX), Number(toY)];
    if (step === 'M') return `M${toX},${toY}`;
    return lineBy(byX, byY);
  });
}

function lineAsPath(attributes: string): string {
  const [, x = '0', y = '0'] = MOVED.exec(attributes) ?? [];
  const [[, across = '0'] = [], [, down = '0'] = []] = [ACROSS, DOWN].map(end => end.exec(attributes) ?? []);
  const look = [MOVED, ACROSS, DOWN].reduce((rest, place) => rest.replace(place, ''), attributes);
  return `<path d="M${x},${y}${lineBy(across, down)}"${look}/>`;
}

function lineBy(byX: string, byY: string): string {
  if (byY === '0') return `h${byX}`;
  if (byX === '0') return `v${byY}`;
  return `l${byX}${byY.startsWith('-') ? '' : ','}${byY}`;
}

/** What all parts of a group share is said once, by the group; what parts beside each other share, by a group of their own. */
function raiseShared(attributes: string, leaves: string): string {
  const parts = [...leaves.matchAll(PARTS)].map(([part]) => {
    const [, , own = ''] = LEAF.exec(part) ?? [];
    return { part, own: own.match(INHERITED) ?? [] };
  });
  const [first, ...others] = parts.map(({ own }) => new Set(own));
  const shared = [...(first ?? [])].filter(attribute => others.every(own => own.has(attribute)));
  const rest = parts.map(({ part, own }) => ({
    part: without(shared, part),
    own: own.filter(attribute => !shared.includes(attribute)),
  }));
  return `<g${attributes}${shared.join('')}>${groupRuns(rest)}</g>`;
}

/** Fewer are not worth a group. */
const MIN_RUN = 3;

function groupRuns(parts: readonly { part: string; own: readonly string[] }[]): string {
  const texts: string[] = [];
  for (let from = 0; from < parts.length; ) {
    const { own } = parts[from]!;
    const key = own.join('');
    let to = from + 1;
    while (parts[to]?.own.join('') === key) to++;
    const run = parts.slice(from, to).map(({ part }) => part);
    texts.push(
      key === '' || run.length < MIN_RUN
        ? run.join('')
        : `<g${key}>${run.map(part => without(own, part)).join('')}</g>`,
    );
    from = to;
  }
  return texts.join('');
}

/** The part without these attributes of its tag. */
function without(attributes: readonly string[], part: string): string {
  const end = part.indexOf('>');
  const tag = attributes.reduce((rest, attribute) => rest.replace(attribute, ''), part.slice(0, end));
  return `${tag}${part.slice(end)}`;
}
