/** Which column a word has, and to which class it belongs. Words get their columns in the order in which they come. */
export interface Vocabulary {
  readonly size: number;
  /** The class of a column, as an index into the class names given. */
  readonly classes: readonly number[];
  /** Null: the vocabulary is full and does not know the word. */
  indexOf(className: string, word: string): number | null;
  /** All words in order of their columns, `class:word`. */
  words(): readonly string[];
}

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
    indexOf(className, word) {
      const key = `${className}:${word}`;
      return columns.get(key) ?? (columns.size >= limit ? null : enter(className, key));
    },
    words: () => [...columns.keys()],
  };
}
