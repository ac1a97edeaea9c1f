/** Which column a word has, and to which class it belongs. Words get their columns in the order in which they come. */
export interface Vocabulary {
  readonly size: number;
  /** The class of a column, as an index into the class names given. */
  readonly classes: readonly number[];
  /** Its column, new if need be. Null: the vocabulary is full and does not know the word. */
  enter(className: string, word: string): number | null;
  /** Its column; one of its class for all unknown words (UNKNOWN + class); null when it could not be entered either. */
  find(className: string, word: string): number | null;
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
  const columns = new Map<string, number>();
  const classes: number[] = [];
  const classIndex = new Map(classNames.map((name, index) => [name, index]));
  const enter = (className: string, key: string): number => {
    const index = columns.size;
    columns.set(key, index);
    classes.push(classIndex.get(className) as number);
    return index;
  };
  for (const key of known) enter(key.slice(0, key.indexOf(':')), key);
  return {
    get size() {
      return columns.size;
    },
    classes,
    enter(className, word) {
      const key = `${className}:${word}`;
      return columns.get(key) ?? (columns.size >= limit ? null : enter(className, key));
    },
    find(className, word) {
      const found = columns.get(`${className}:${word}`);
      return found ?? (columns.size >= limit ? null : UNKNOWN + (classIndex.get(className) as number));
    },
    words: () => [...columns.keys()],
  };
}
