import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '#cli/commands/index.ts';
import { routeRequest } from '#shared/domain/request.ts';
import { scoreRequest } from '#shared/domain/score.ts';

const root = join(import.meta.dirname, '..', '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const entriesOf = (folder: string) => readdirSync(join(root, folder), { withFileTypes: true });
const documents = [readme, readFileSync(join(root, 'docs/architecture.md'), 'utf8')];

describe('README', () => {
  it('shows a request that both doors accept', () => {
    const body = /-d '(\{[^']+\})'/.exec(readme)?.[1] ?? '';
    expect(scoreRequest.safeParse(JSON.parse(body)).success).toBe(true);
    expect(routeRequest.safeParse(JSON.parse(body)).success).toBe(true);
  });

  it('names every npm script that is not called by npm itself', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const missing = Object.keys(scripts).filter(
      (name) => !readme.includes(`npm ${name}`) && !readme.includes(`npm run ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('has a row for every top-level folder, every room of shared and every file beside them', () => {
    const map = readme.slice(readme.indexOf('## The rooms'), readme.indexOf('## For those who change it'));
    const rows = new Set(
      [...map.matchAll(/^\|(.*?)\|/gm)].flatMap(([, cell = '']) =>
        [...cell.matchAll(/`(.*?)`/g)].map(([, named]) => named),
      ),
    );
    const ignored = readFileSync(join(root, '.gitignore'), 'utf8').split('\n');
    const hidden = (name: string): boolean =>
      name.startsWith('.') || ignored.some((pattern) => pattern.replaceAll('/', '') === name);
    const rooms = [
      ...entriesOf('.').filter((entry) => entry.isDirectory() && !hidden(entry.name)),
      ...entriesOf('shared'),
      ...entriesOf('functions'),
    ]
      .map(({ parentPath, name }) => relative(root, join(parentPath, name)))
      // Their rooms have rows of their own.
      .filter((path) => path !== 'functions' && path !== 'shared');
    expect(rooms.length).toBeGreaterThan(20);
    expect(rooms.filter((room) => !rows.has(room))).toEqual([]);
    // And none that is gone.
    for (const named of rows) expect(existsSync(join(root, named ?? '')), named).toBe(true);
  });

  it('has every command of vm, and names none that is not there', () => {
    const table = readme.slice(readme.indexOf('## On the command line'), readme.indexOf('### Bring your own record'));
    for (const { name } of COMMANDS) expect(table, name).toContain(name.split(' ').at(-1));
    const groups = new Set(COMMANDS.map(({ name }) => name.split(' ')[0]));
    for (const [, named] of table.matchAll(/`vm ([a-z]+)/g)) expect(groups).toContain(named);
  });
});

describe('documents', () => {
  it('link and name only files that exist', () => {
    for (const text of documents) {
      for (const [, path] of text.matchAll(/`((?:shared|functions|test|cli|docs|sim)\/[\w./-]+\.(?:ts|md|json))`/g)) {
        expect(() => readFileSync(join(root, path ?? '')), path).not.toThrow();
      }
    }
  });
});
