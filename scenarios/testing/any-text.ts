// Texts of any code points, lone surrogates included, for properties that hold for every text.
import fc from 'fast-check';

/** As `fc.string({ unit: 'binary' })`, which first spends seconds on a table of all characters. */
export const anyText: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0, max: 0x10_ffff }), { maxLength: 40 })
  .map(points => String.fromCodePoint(...points));
