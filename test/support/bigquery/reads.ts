/**
 * Which tables a text reads, and by which conditions on their days. As BigQuery looks for them: comparisons of the partition's
 * column with what does not hang on a row, joined by AND, in the query that reads the table; or over its view, whose window parts
 * by that column, so that they hold below it too.
 */
export interface Read {
  /** project.dataset.table; of a view the table below. */
  readonly table: string;
  readonly view: boolean;
  readonly days: readonly string[];
}

export const readsOf = (text: string): readonly Read[] =>
  [...masked(text).matchAll(/\b(?:FROM|JOIN)\s+`([^`]+)`(?:\s+AS\s+(\w+))?/g)].map((found) => {
    const [all, path = '', alias] = found;
    const table = path.replace(/_distinct$/, '');
    const conditions = conditionsAfter(text, found.index + all.length);
    return { table, view: table !== path, days: conditions.filter((condition) => isOfDays(condition, alias)) };
  });

/** Every word outside of text and names of tables. */
export const wordsOf = (text: string): ReadonlySet<string> =>
  new Set(
    masked(text)
      .replace(/`[^`]*`/g, '')
      .match(/\b[A-Za-z_]\w*\b/g) ?? [],
  );

/** Literals may hold anything; what is left stands where it stood. */
const masked = (text: string): string => text.replace(/'[^']*'/g, (literal) => `'${'.'.repeat(literal.length - 2)}'`);

const CONSTANT = new Set(['DATE', 'TIMESTAMP', 'CAST', 'AS']);

function isOfDays(condition: string, alias: string | undefined): boolean {
  const [, qualifier, other = ''] = /^(?:(\w+)\.)?event_date\s*(?:>=|<=|=|>|<)\s*(.+)$/s.exec(condition.trim()) ?? [];
  const words = masked(other).match(/@?\b[A-Za-z_]\w*\b/g) ?? [];
  return (
    other !== '' &&
    (qualifier === undefined || qualifier === alias) &&
    words.every((word) => word.startsWith('@') || CONSTANT.has(word))
  );
}

const CLAUSES = /^(GROUP|HAVING|QUALIFY|WINDOW|ORDER|LIMIT|UNION)$/;

/** What WHERE says in the query that goes on at `from`, parted at its ANDs; none when an OR stands between. */
function conditionsAfter(text: string, from: number): readonly string[] {
  const conditions: string[] = [];
  let start: number | null = null;
  let depth = 0;
  let end = text.length;
  for (const token of masked(text)
    .slice(from)
    .matchAll(/[()]|\b[A-Z]+\b/g)) {
    const at = from + token.index;
    if (token[0] === '(') depth += 1;
    else if (token[0] === ')') depth -= 1;
    if (depth < 0 || (depth === 0 && CLAUSES.test(token[0]))) {
      end = at;
      break;
    }
    if (depth > 0) continue;
    if (token[0] === 'WHERE') start = at + 'WHERE'.length;
    if (token[0] === 'OR') return [];
    if (token[0] === 'AND' && start !== null) {
      conditions.push(text.slice(start, at));
      start = at + 'AND'.length;
    }
  }
  return start === null ? [] : [...conditions, text.slice(start, end)];
}
