/**
 * Who may act, by name: `rules`, the classic score; `linear`, the fast learner on its own; or a model version, whose network the
 * fast learner corrects. No version bears one of the two words: it is called `v` and a hash.
 */
export const RULES = 'rules';
export const LINEAR = 'linear';
