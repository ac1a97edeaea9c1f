import type { Standing } from '../stack/reproductions.ts';
import { localOperation } from './operation.ts';
import { versionParam } from './params.ts';

/** Begins to train a version again; how it stands is asked for afterwards, soon and often: else it is given up. */
export const beginReproduction = localOperation({
  name: 'models.reproduce',
  params: versionParam,
  run: async ({ reproductions }, { version }): Promise<void> => reproductions.begin(version),
});

/** How far it is, or how the two compare; what it failed of is thrown. */
export const lookAtReproduction = localOperation({
  name: 'models.reproduction',
  params: versionParam,
  run: async ({ reproductions }, { version }): Promise<Standing> => reproductions.look(version),
});
