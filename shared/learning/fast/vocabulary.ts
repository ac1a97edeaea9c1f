/** Which column a word has, and to which class it belongs. Words get their columns in the order in which they come. */
export interface Vocabulary {
  readonly size: number;
  /** The class of a column, as an index into the class names given. */
  readonly classes: readonly number[];
  /** Its column, new if need be. Null: the vocabulary is full and does not know the word. */
  enter(classIndex: number, word: string): number | null;
  /** Its column; one of its class for all unknown words (UNKNOWN + class); null when it could not be entered either. */
  find(classIndex: number, word: string): number | null;
  /** All words in order of their columns, `class:word`. */
  words(): readonly string[];
}

/** Columns from here on stand for what was never seen: UNKNOWN + the index of the class. */
export const UNKNOWN = 1 << 20;

/** @param limit columns at most: work and memory of a regression grow with its cube and its square */
export function createVocabulary(
  classNames: readonly string[],
  limit: number,
  known: readonly string[] = [],
): Vocabulary {
  // A map for each class: looking a word up makes no string.
  const columns = classNames.map(() => new Map<string, number>());
  const classes: number[] = [];
  const keys: string[] = [];
  const enter = (classIndex: number, word: string): number => {
    const column = keys.length;
    columns[classIndex]?.set(word, column);
    classes.push(classIndex);
    keys.push(`${classNames[classIndex]}:${word}`);
    return column;
  };
  for (const key of known) {
    const colon = key.indexOf(':');
    enter(classNames.indexOf(key.slice(0, colon)), key.slice(colon + 1));
  }
  return {
    get size() {
      return keys.length;
    },
    classes,
    enter: (classIndex, word) =>
      columns[classIndex]?.get(word) ?? (keys.length >= limit ? null : enter(classIndex, word)),
    find: (classIndex, word) => columns[classIndex]?.get(word) ?? (keys.length >= limit ? null : UNKNOWN + classIndex),
    words: () => keys,
  };
}
