import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { generatedFiles, SCHEMAS_DIRECTORY } from '#cli/dev/generated-files.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const files = generatedFiles();

describe('generated files', () => {
  test.each([...files])('%s is what the code says (else: npm run generate)', (path, content) => {
    expect(readFileSync(`${ROOT}${path}`, 'utf8')).toBe(content);
  });

  test('nothing else lies among the schemas', () => {
    const there = readdirSync(`${ROOT}${SCHEMAS_DIRECTORY}`).map((name) => `${SCHEMAS_DIRECTORY}/${name}`);
    expect(there.filter((path) => !files.has(path))).toEqual([]);
  });
});

describe.each(TABLES)('table $name', (table) => {
  const names = table.columns.map((column) => column.name);

  test('has each column once, in words that need no quoting', () => {
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
    expect(names.filter((name) => !/^[a-z][a-z0-9_]*$/.test(name))).toEqual([]);
  });

  test('is partitioned and clustered by columns of its own, four at most', () => {
    expect(names).toContain(table.partitionBy);
    for (const name of table.clusterBy) {
      expect(names).toContain(name);
      expect(table.columns.find((column) => column.name === name)?.type).toBe('STRING');
    }
    expect(table.clusterBy.length).toBeLessThanOrEqual(4);
  });

  test('fits BigQuery: known types, a mode for every field', () => {
    const fields = JSON.parse(files.get(`${SCHEMAS_DIRECTORY}/${table.name}.json`) ?? '') as Record<string, string>[];
    expect(fields.map((field) => field['name'])).toEqual(names);
    for (const field of fields) {
      expect(['STRING', 'INTEGER', 'FLOAT', 'BOOLEAN', 'TIMESTAMP', 'DATE', 'JSON', 'BYTES']).toContain(field['type']);
      expect(['NULLABLE', 'REQUIRED']).toContain(field['mode']);
    }
  });
});
