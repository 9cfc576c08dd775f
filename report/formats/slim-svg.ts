// Takes out of a drawing what neither its look nor its readers need: most of what Vega writes is said again for every mark.

/** What Vega says of each part to screen readers, which the picture's own role hides, and what it writes for its events. */
const UNUSED =
  / (?:role="graphics-[^"]*"|aria-roledescription="[^"]*"|aria-hidden="true"|pointer-events="none"|class="[^"]*"|opacity="1"|transform="translate\(0,0\)"|stroke-miterlimit="[^"]*"|xmlns:xlink="[^"]*"|version="[^"]*")/g;
/** Frames of groups, which are never filled. */
const FRAMES = /<path class="(?:background|foreground)"[^>]*\/>/g;
const TAG = /<\w[^>]*>/g;
const GROUP_LABEL = /^(<g(?: [^>]*)?) aria-label="[^"]*"/;
/** It repeats the font at each text; once for all is enough. */
const FONT = / font-(?:family|size)="[^"]*"/g;
/** Places and sizes, which it writes with up to 16 digits. */
const GEOMETRY = / (?:d|transform|[xy][12]?|width|height)="[^"]*"/g;
const LONG_NUMBER = /-?\d+\.\d{3,}(?:e-?\d+)?/g;
/** A disc as Vega draws it: two arcs around the place to which it is moved. */
const DISC =
  /^<path([^>]*) transform="translate\(([^,"]+),([^)"]+)\)" d="M([\d.]+),0A\4,\4,0,1,1,-\4,0A\4,\4,0,1,1,\4,0Z?"/;
const GROUP_ENDS = /<g(?: [^>]*)?>|<\/g>/g;
const LEAVES = /<g((?: [^>]*)?)>((?:<(?:line|path|circle|rect|text)(?: [^>]*)?(?:\/>|>[^<]*<\/\w+>))+)<\/g>/g;
const LEAF = /<(\w+)([^>]*?)(\/>|>)/g;
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
    .replaceAll(LABELLED, '<$1$2$4><title>$3</title></$1>')
    .replaceAll(GROUP_ENDS, dropBareGroups());
}

/** Of groups that say nothing, neither beginning nor end. */
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
    .replaceAll(FONT, '')
    .replace(GROUP_LABEL, '$1')
    .replaceAll(GEOMETRY, attribute => attribute.replaceAll(LONG_NUMBER, rounded))
    .replace(DISC, '<circle$1 cx="$2" cy="$3" r="$4"');
}

/** To a hundredth of a pixel. */
function rounded(number: string): string {
  return String(Number(Number(number).toFixed(2)));
}

/** What all parts of a group share is said once, by the group. */
function raiseShared(attributes: string, leaves: string): string {
  const sets = [...leaves.matchAll(LEAF)].map(([, , own = '']) => new Set(own.match(INHERITED) ?? []));
  const [first = new Set<string>(), ...others] = sets;
  const shared = [...first].filter(attribute => others.every(own => own.has(attribute)));
  const bare = leaves.replaceAll(
    LEAF,
    (_, name: string, own: string, end: string) =>
      `<${name}${shared.reduce((rest, attribute) => rest.replace(attribute, ''), own)}${end}`,
  );
  return `<g${attributes}${shared.join('')}>${bare}</g>`;
}
