/**
 * Runs each subject once per round, after one round that does not count. Every other round goes the other way round, so
 * that neither always comes first. Answers each subject's results in the order of the rounds.
 */
export async function alternate<T, K extends string>(
  rounds: number,
  subjects: Readonly<Record<K, () => T | Promise<T>>>,
  options: { readonly warmUp?: boolean } = {},
): Promise<Record<K, T[]>> {
  const names = Object.keys(subjects) as K[];
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<K, T[]>;
  if (options.warmUp !== false) for (const name of names) await subjects[name]();
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await subjects[name]());
  }
  return results;
}
