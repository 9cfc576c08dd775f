// The script of the page: tips for marks, by pointer and by keyboard, tables that sort, and the menu that copies, saves and switches the theme.
import { ALL_SIGNS } from '../words/marks.ts';

/** The page is whole without it. */
export const SCRIPT = `
'use strict';
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const MARKS = '[data-tip]';

// A browser shows titles by itself, but late, and neither by keyboard nor on a touch.
for (const title of all('.picture svg title')) {
  title.parentElement.dataset.tip = title.textContent;
  title.remove();
}
const tip = document.createElement('div');
tip.className = 'tip';
tip.hidden = true;
tip.setAttribute('role', 'status');
document.body.append(tip);
let hiding = 0;
let pointed = null;
function hideTip() {
  clearTimeout(hiding);
  tip.hidden = true;
  if (pointed) pointed.classList.remove('pointed');
  pointed = null;
}
function showTip(mark, x, y) {
  hideTip();
  pointed = mark;
  mark.classList.add('pointed');
  tip.textContent = mark.dataset.tip;
  tip.hidden = false;
  const left = Math.min(x + 12, document.documentElement.clientWidth - tip.offsetWidth - 8);
  tip.style.left = Math.max(8, left) + 'px';
  tip.style.top = Math.max(8, y - tip.offsetHeight - 10) + 'px';
}
document.addEventListener('pointerover', event => {
  const mark = event.target.closest('.picture ' + MARKS);
  if (mark) { showTip(mark, event.clientX, event.clientY); return; }
  clearTimeout(hiding);
  // Time to move onto the tip.
  if (!tip.contains(event.target)) hiding = setTimeout(hideTip, 300);
});
document.addEventListener('keydown', event => { if (event.key === 'Escape') hideTip(); });
for (const picture of all('.picture')) {
  const marks = all(MARKS, picture);
  if (marks.length === 0) continue;
  let at = -1;
  picture.tabIndex = 0;
  picture.setAttribute('role', 'group');
  picture.setAttribute('aria-label', 'Values of the chart: arrow keys');
  picture.addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === 'Home') at = 0;
    else if (event.key === 'End') at = marks.length - 1;
    else if (step) at = (Math.max(at, step < 0 ? 0 : -1) + step + marks.length) % marks.length;
    else return;
    event.preventDefault();
    const box = marks[at].getBoundingClientRect();
    showTip(marks[at], box.left + box.width / 2, box.top);
  });
  picture.addEventListener('blur', hideTip);
}

const SECONDS = { 'µs': 1e-6, ms: 1e-3, s: 1 };
/** The first number of a text, times in one unit; null if there is none. */
function numberOf(text) {
  const found = /([−-]?)(\\d[\\d,]*(?:\\.\\d+)?)[${ALL_SIGNS}×]*(?:\\s(µs|ms|s)(?!\\w))?/.exec(text);
  return found ? Number(found[2].replaceAll(',', '')) * (found[1] ? -1 : 1) * (SECONDS[found[3]] ?? 1) : null;
}
/** Rows without a figure stay at the end. */
function compareFigures(a, b, sign) {
  return a === null || b === null ? (a === null) - (b === null) : sign * (a - b);
}
function sortable(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  for (const [column, head] of heads.entries()) {
    const isFigure = head.classList.contains('figure');
    // Who sorts by a figure looks for the largest.
    const orders = isFigure ? ['descending', 'ascending'] : ['ascending', 'descending'];
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const order = orders[orders.indexOf(head.getAttribute('aria-sort')) + 1];
      for (const other of heads) other.removeAttribute('aria-sort');
      if (order === undefined) { body.append(...rows); return; }
      head.setAttribute('aria-sort', order);
      const sign = order === 'ascending' ? 1 : -1;
      const texts = new Map(rows.map(row => [row, row.cells[column].textContent]));
      const figures = new Map(rows.map(row => [row, numberOf(texts.get(row))]));
      body.append(...rows.toSorted((a, b) => isFigure
        ? compareFigures(figures.get(a), figures.get(b), sign)
        : sign * texts.get(a).localeCompare(texts.get(b), 'en', { numeric: true })));
    });
  }
}
/** Two rows need no sorting: their order shows at once. */
for (const table of all('.scroll > table')) if (table.tBodies[0].rows.length > 2) sortable(table);

/** A frame that cuts its table off says so; one that is folded has no width yet. */
const watching = new ResizeObserver(entries => {
  for (const { target } of entries) target.classList.toggle('cut', target.scrollWidth > target.clientWidth);
});
for (const frame of all('.scroll')) watching.observe(frame);

const status = document.querySelector('#menu [role=status]');
function save(name, type, content) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  status.textContent = 'Saved ' + name;
}
/** The figures and their Markdown, which the page holds compressed. */
function data() {
  const bytes = Uint8Array.from(atob(document.querySelector('#report-data').textContent), letter => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).json();
}

/** Every list of rows within the data, with its path. */
function tablesOf(node, path) {
  if (typeof node !== 'object' || node === null) return [];
  const own = Array.isArray(node.rows) && node.rows.length > 0 ? [{ path, rows: node.rows }] : [];
  const inner = Object.entries(node).filter(([key]) => key !== 'rows').flatMap(([key, value]) => tablesOf(value, path.concat(value && (value.cell || value.name) || key)));
  return own.concat(inner);
}
function flatten(value, key, into) {
  if (Array.isArray(value)) into[key] = value.join(' ');
  else if (typeof value === 'object' && value !== null) for (const [name, inner] of Object.entries(value)) flatten(inner, key === '' ? name : key + '.' + name, into);
  else into[key] = value;
  return into;
}
/** A text that begins like a formula would be run by a spreadsheet. */
const field = value => {
  const text = value === null || value === undefined ? '' : String(value);
  const safe = typeof value === 'string' && /^[=+@\\t-]/.test(text) ? "'" + text : text;
  return /[",\\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
};
function csv(figures) {
  return tablesOf(figures, []).map(({ path, rows }) => {
    const flat = rows.map(row => flatten(row, '', {}));
    const keys = [...new Set(flat.flatMap(Object.keys))];
    return [[path.join(' / ')], keys, ...flat.map(row => keys.map(key => row[key]))].map(line => line.map(field).join(',')).join('\\r\\n');
  }).join('\\r\\n\\r\\n') + '\\r\\n';
}
const actions = {
  async markdown() {
    await navigator.clipboard.writeText((await data()).markdown.trim());
    status.textContent = 'Copied';
  },
  csv: async button => save(button.dataset.name + '.csv', 'text/csv', csv((await data()).figures)),
  json: async button => save(button.dataset.name + '.json', 'application/json', JSON.stringify((await data()).figures)),
  theme() {
    const root = document.documentElement;
    const isDark = (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
    root.dataset.theme = isDark ? 'light' : 'dark';
    status.textContent = isDark ? 'Light' : 'Dark';
  },
};
for (const button of all('#menu button')) button.addEventListener('click', async () => {
  try { await actions[button.dataset.action](button); } catch (error) { status.textContent = 'Not possible here: ' + error.message; }
});

/** With the colours of now in place of the page's variables, on its paper. */
function drawing(picture) {
  const colours = getComputedStyle(document.documentElement);
  const svg = picture.querySelector('svg').cloneNode(true);
  const paper = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  for (const [name, value] of Object.entries({ width: '100%', height: '100%', fill: colours.getPropertyValue('--paper') })) paper.setAttribute(name, value);
  svg.prepend(paper);
  for (const mark of all(MARKS, svg)) {
    const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
    title.textContent = mark.dataset.tip;
    mark.append(title);
    delete mark.dataset.tip;
  }
  return new XMLSerializer().serializeToString(svg).replace(/var\\((--[\\w-]+)\\)/g, (_, name) => colours.getPropertyValue(name).trim());
}
function savePng(name, svg) {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  image.addEventListener('load', () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [2 * image.width, 2 * image.height];
    const context = canvas.getContext('2d');
    context.scale(2, 2);
    context.drawImage(image, 0, 0);
    URL.revokeObjectURL(url);
    canvas.toBlob(blob => save(name + '.png', 'image/png', blob));
  });
  image.src = url;
}
for (const figure of all('figure')) {
  const heading = figure.querySelector('h3, h4');
  if (!heading || !figure.querySelector('.picture svg')) continue;
  const title = heading.textContent;
  const name = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const bar = document.createElement('p');
  bar.className = 'saves';
  for (const kind of ['SVG', 'PNG']) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = kind;
    button.setAttribute('aria-label', 'Save ' + title + ' as ' + kind);
    button.addEventListener('click', () => {
      const svg = drawing(figure.querySelector('.picture'));
      if (kind === 'SVG') save(name + '.svg', 'image/svg+xml', svg);
      else savePng(name, svg);
    });
    bar.append(button);
  }
  figure.querySelector('.picture').after(bar);
}
for (const code of all('pre')) {
  const bar = document.createElement('p');
  bar.className = 'saves';
  const add = (name, act, done) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.addEventListener('click', async () => {
      try { await act(); button.textContent = done; } catch { button.textContent = 'Not possible here'; }
    });
    bar.append(button);
  };
  const { file } = code.dataset;
  add('Copy', () => navigator.clipboard.writeText(code.textContent), 'Copied');
  if (file) add('Save ' + file, () => save(file, 'application/json', code.textContent), 'Saved');
  code.after(bar);
}
document.querySelector('#menu').hidden = false;
`;
