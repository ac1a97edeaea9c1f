/** The vocabularies of the fast learner: one that all providers share, and one of each provider. */
import { LOCAL_CLASSES, type LookUp, SHARED_CLASSES } from './effects.ts';
import { createVocabulary, type Vocabulary } from './vocabulary.ts';

export interface Words {
  readonly shared: Vocabulary;
  /** Of a provider; empty, and not kept, when nothing was entered for it. */
  local(provider: string): Vocabulary;
  providers(): readonly string[];
  /** New words get a column. */
  readonly entering: LookUp;
  /** Words that were never seen stay unseen. */
  readonly finding: LookUp;
  state(): WordsState;
}

/** Words in order of their columns, `class:word`. */
export interface WordsState {
  readonly shared: readonly string[];
  readonly local: Readonly<Record<string, readonly string[]>>;
}

/** Columns at most: the work of a refit grows with the cube of a provider's. */
const SHARED_LIMIT = 192;
const LOCAL_LIMIT = 256;

export function createWords(state: WordsState = { shared: [], local: {} }): Words {
  const shared = createVocabulary(SHARED_CLASSES, SHARED_LIMIT, state.shared);
  const locals = new Map(
    Object.entries(state.local).map(([provider, words]) => [
      provider,
      createVocabulary(LOCAL_CLASSES, LOCAL_LIMIT, words),
    ]),
  );
  const nothing = createVocabulary(LOCAL_CLASSES, LOCAL_LIMIT);
  const kept = (provider: string): Vocabulary => {
    const known = locals.get(provider) ?? createVocabulary(LOCAL_CLASSES, LOCAL_LIMIT);
    locals.set(provider, known);
    return known;
  };
  const local = (provider: string): Vocabulary => locals.get(provider) ?? nothing;
  return {
    shared,
    local,
    providers: () => [...locals.keys()],
    entering: {
      shared: shared.enter,
      local: (provider) => kept(provider).enter,
    },
    finding: {
      shared: shared.find,
      local: (provider) => local(provider).find,
    },
    state: () => ({
      shared: [...shared.words()],
      local: Object.fromEntries([...locals].map(([provider, { words }]) => [provider, [...words()]])),
    }),
  };
}
