// The template tag of the page escapes everything that is not markup.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { html, trusted } from './markup.ts';

describe('The template tag escapes hostile text', () => {
  test('text is escaped, markup is not, lists are joined', () => {
    const bold = html`<b title="${'a"b\''}">${'<i> & 5 %'}</b>`;
    assert.equal(bold.markup, '<b title="a&quot;b&#39;">&lt;i&gt; &amp; 5\u00a0%</b>');
    assert.equal(html`${[bold, trusted('<hr>')]}|${7}`.markup, `${bold.markup}\n<hr>|7`);
    assert.equal(html`${null}<b>${false}${0}</b>`.markup, '<b>0</b>');
  });

  test('no text can open a tag, an attribute or an entity', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'a', ';', '/') }), text => {
        assert.doesNotMatch(html`${text}`.markup, /[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
      }),
    );
  });
});
