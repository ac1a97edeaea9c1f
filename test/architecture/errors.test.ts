import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderErrorsDoc } from '#cli/dev/errors-doc.ts';
import { ERROR_CATALOGUE } from '#shared/errors.ts';

const document = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

/** Code -> what the table of the document says of it. */
function documented(): Map<string, { kind: string; status: number; remedy: string }> {
  const rows = document.matchAll(/^\| `(?<code>[^`]+)` \| (?<kind>\w+) \| (?<status>\d+) \| (?<remedy>.+) \|$/gm);
  const table = new Map<string, { kind: string; status: number; remedy: string }>();
  for (const { groups: { code = '', kind = '', status = '', remedy = '' } = {} } of rows) {
    expect(table.has(code), `${code} stands twice in docs/errors.md`).toBe(false);
    table.set(code, { kind, status: Number(status), remedy: remedy.replaceAll('\\|', '|') });
  }
  return table;
}

describe('errors', () => {
  test('docs/errors.md says what the catalogue says, both ways', () => {
    expect(Object.fromEntries(documented())).toEqual(ERROR_CATALOGUE);
  });

  test('docs/errors.md is as generated (npm run generate)', () => {
    expect(document).toBe(renderErrorsDoc());
  });

  test.each(Object.entries(ERROR_CATALOGUE))(
    '%s: its status fits its kind, its remedy is a sentence',
    (code, entry) => {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      // A client that obeys the status alone must not give up on what may work later.
      if (entry.kind === 'transient') expect([408, 429, 500, 503]).toContain(entry.status);
      else expect(entry.status).toBeGreaterThanOrEqual(400);
      expect(entry.remedy).toMatch(/^[A-Z].*[.)"]$/);
    },
  );
});
