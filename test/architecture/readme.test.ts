import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '#cli/commands/index.ts';
import { routeRequest } from '#shared/domain/request.ts';
import { scoreRequest } from '#shared/domain/score.ts';

const root = join(import.meta.dirname, '..', '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
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

  it('has a row for every function', () => {
    const folders = readdirSync(join(root, 'functions'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(folders.map(({ name }) => name).filter((name) => !readme.includes(`\`functions/${name}\``))).toEqual([]);
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
