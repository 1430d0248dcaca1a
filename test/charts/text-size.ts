/**
 * How wide a text will be, without asking a font: the widths of Helvetica, Arial and Liberation Sans, which are the same.
 * The picture names those fonts first; where none is installed it is drawn in another, and boxes have room for that.
 */

/** Thousandths of the font size, for the characters from space to tilde. */
const WIDTHS = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
  722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
  556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
  260, 334, 584,
];
const OTHER = 1000;
/** Bold letters, and another font. */
const BOLD = 1.08;
const SLACK = 1.03;

export const NAME_SIZE = 13;
export const TEXT_SIZE = 11.5;

/** Pixels, in {@link TEXT_SIZE}. */
export function textWidth(text: string): number {
  return width(text) * TEXT_SIZE * SLACK;
}

/** Pixels, bold, in {@link NAME_SIZE}. */
export function nameWidth(text: string): number {
  return width(text) * NAME_SIZE * SLACK * BOLD;
}

function width(text: string): number {
  let thousandths = 0;
  for (const char of text) thousandths += WIDTHS[(char.codePointAt(0) ?? 0) - 0x20] ?? OTHER;
  return thousandths / 1000;
}

/** Joins words by spaces into lines of at most so many pixels; a word that is wider has a line of its own. */
export function wrap(words: readonly string[], longest: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`) <= longest) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
