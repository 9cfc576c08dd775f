// Inspects an open report as a reader sees it: pictures, colliding labels, width, contrast.
import type { Page } from 'playwright-core';

export interface Inspection {
  pictures: { label: string; width: number; height: number; right: number; marks: number }[];
  /** Labels within one picture that cover each other, or reach out of it. */
  overlaps: string[];
  scrollWidth: number;
  tables: number;
  leastContrast: { ratio: number; text: string };
}

/** Runs in the page: a string, because this project's types know no browser. */
const INSPECT = `(() => {
  const pictures = [...document.querySelectorAll('.picture svg')].filter(svg => svg.checkVisibility() && svg.getBoundingClientRect().width > 0);
  const isShown = text => Number(text.getAttribute('opacity') ?? 1) > 0 && text.textContent.trim() !== '';
  const overlaps = [];
  for (const svg of pictures) {
    const frame = svg.getBoundingClientRect();
    const labels = [...svg.querySelectorAll('text')].filter(isShown).map(text => ({ words: text.textContent, box: text.getBoundingClientRect() }));
    for (const [index, { words, box }] of labels.entries()) {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) overlaps.push(words + ' is cut off');
      for (const other of labels.slice(index + 1)) {
        const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        if (across > 1 && down > 3) overlaps.push(words + ' / ' + other.words);
      }
    }
  }
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => {
    const [r, g, b] = channels(colour).slice(0, 3).map(value => value / 255).map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = element => {
    for (let at = element; at; at = at.parentElement) {
      const ground = getComputedStyle(at).backgroundColor;
      if (channels(ground)[3] !== 0) return ground;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('h1, h2, h3, p, li, th, td, dt, dd, summary, button, .pill, .unit, svg text')].filter(element => element.getClientRects().length > 0);
  const contrasts = texts.map(element => {
    const style = getComputedStyle(element);
    const [a, b] = [luminance(element.closest('svg') ? style.fill : style.color), luminance(groundOf(element))];
    return { ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text: element.textContent.slice(0, 60) };
  });
  return {
    pictures: pictures.map(svg => {
      const { width, height, right } = svg.getBoundingClientRect();
      return { label: svg.getAttribute('aria-label'), width, height, right, marks: svg.querySelectorAll('[data-tip]').length };
    }),
    overlaps,
    scrollWidth: document.documentElement.scrollWidth,
    tables: document.querySelectorAll('table').length,
    leastContrast: contrasts.reduce((least, contrast) => contrast.ratio < least.ratio ? contrast : least),
  };
})()`;

export function inspectPage(page: Page): Promise<Inspection> {
  return page.evaluate<Inspection>(INSPECT);
}
