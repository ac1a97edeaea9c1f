import fc from 'fast-check';

/** Those that stand alone for no character. */
const SURROGATES = 0x800;
const FIRST_SURROGATE = 0xd800;
const LAST = 0x10ffff;

/**
 * Any character: what fast-check calls the unit `binary`, which keeps a table of all of them to find one again, 3 s and 100 MB in
 * each process.
 */
const character = fc.nat({ max: LAST - SURROGATES }).map(
  (index) => String.fromCodePoint(index < FIRST_SURROGATE ? index : index + SURROGATES),
  (text) => {
    const code = typeof text === 'string' ? text.codePointAt(0) : undefined;
    if (code === undefined || text !== String.fromCodePoint(code) || !String(text).isWellFormed())
      throw new Error(`expected one character, got ${JSON.stringify(text)}`);
    return code < FIRST_SURROGATE ? code : code - SURROGATES;
  },
);

/** Any text, the names that are dangerous in an object among them. */
export const anyText = (
  lengths: { readonly minLength?: number; readonly maxLength?: number } = {},
): fc.Arbitrary<string> => fc.string({ unit: character, ...lengths });
