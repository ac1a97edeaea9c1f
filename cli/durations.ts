/** A time in the unit in which a person would say it. */
export function durationWords(ms: number): string {
  if (ms < 3_600_000) return `${Number((ms / 60_000).toFixed(1))} min`;
  return ms < 48 * 3_600_000 ? `${Number((ms / 3_600_000).toFixed(1))} h` : `${Number((ms / 86_400_000).toFixed(1))} d`;
}
