/** SVG by hand: a tag, its attributes, what is in it. */

type Value = string | number;

/** @param content made by `tag` or `text` */
export const tag = (
  name: string,
  attributes: Readonly<Record<string, Value>>,
  ...content: readonly string[]
): string => {
  const said = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? rounded(value) : escaped(value)}"`)
    .join('');
  return content.length === 0 ? `<${name}${said}/>` : `<${name}${said}>${content.join('')}</${name}>`;
};

export const text = (x: number, y: number, words: string, style: Readonly<Record<string, Value>> = {}): string =>
  tag('text', { x, y, ...style }, escaped(words));

/** Corners of a line or an area. */
export const points = (corners: readonly (readonly [number, number])[]): string =>
  corners.map(([x, y]) => `${rounded(x)},${rounded(y)}`).join(' ');

/** A tenth of a pixel is finer than any screen. */
const rounded = (value: number): string => String(Math.round(10 * value) / 10);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (words: string): string => words.replace(/[&<>"]/g, (mark) => ENTITIES[mark] ?? mark);
