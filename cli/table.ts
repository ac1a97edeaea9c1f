/** Columns padded to their widest cell; numbers to the right, and from column `figuresFrom` on whatever comes. */
export function table(
  rows: readonly (readonly (string | number | null)[])[],
  header?: readonly string[],
  figuresFrom = Number.POSITIVE_INFINITY,
): string {
  const all = header === undefined ? rows : [header, ...rows];
  const cells = all.map((row) => row.map((cell) => (cell === null ? '-' : String(cell))));
  const widths = cells.reduce<number[]>((found, row) => {
    row.forEach((cell, column) => {
      found[column] = Math.max(found[column] ?? 0, cell.length);
    });
    return found;
  }, []);
  const rightAligned = widths.map(
    (_, column) =>
      column >= figuresFrom ||
      (rows.length > 0 && rows.every((row) => typeof row[column] === 'number' || row[column] === null)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          rightAligned[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
