// In: nothing. Out: the page's only script: tooltips over charts, and the report's data as a download. The page works without.

export const SCRIPT = `
'use strict';
const tip = document.createElement('div');
tip.className = 'tip';
tip.hidden = true;
document.body.append(tip);
document.addEventListener('pointerover', event => {
  const mark = event.target.closest('.picture path[aria-label], .picture line[aria-label]');
  tip.hidden = mark === null;
  if (mark === null) return;
  tip.textContent = mark.getAttribute('aria-label');
  const left = Math.min(event.clientX + 12, document.documentElement.clientWidth - tip.offsetWidth - 8);
  tip.style.left = Math.max(8, left) + 'px';
  tip.style.top = Math.max(8, event.clientY - tip.offsetHeight - 10) + 'px';
});
const button = document.querySelector('#download');
button.hidden = false;
button.addEventListener('click', () => {
  const json = document.querySelector('#report-data').textContent;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([json], { type: 'application/json' }));
  link.download = button.dataset.name;
  link.click();
  URL.revokeObjectURL(link.href);
});
`;
