/** The Dockerfile as text. That it makes an image which serves is test/system/image.test.ts. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDockerfile, parseDockerignore } from '#test/support/dockerfile.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const { args, stages } = parseDockerfile(read('Dockerfile'));
const steps = stages.flatMap((stage) => stage.steps);
const last = stages.at(-1)?.steps ?? [];

describe('the Dockerfile', () => {
  test('has every stage on the one base that is given', () => {
    expect(args).toEqual({ NODE_IMAGE: 'node:24-slim' });
    expect(new Set(stages.map(({ base }) => base))).toEqual(new Set([`\${NODE_IMAGE}`]));
  });

  test('runs what the scripts of package.json run, and no shell', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(steps.filter(({ instruction }) => instruction === 'RUN').map(({ words }) => words)).toEqual([
      ['npm', 'ci'],
      ['npm', 'run', 'build'],
      ['node', 'warm.mjs'],
    ]);
    expect(scripts).toHaveProperty('build');
    expect(() => parseDockerfile('FROM x\nRUN npm ci')).toThrow('not in exec form');
    expect(() => parseDockerfile('FROM x\nENTRYPOINT node start.mjs')).toThrow('not in exec form');
  });

  test('copies what is in the repository and let in, or made by a stage before', () => {
    const letIn = parseDockerignore(read('.dockerignore'));
    for (const { flags, words } of steps.filter(({ instruction }) => instruction === 'COPY')) {
      if (flags['from'] !== undefined) expect(stages.map(({ name }) => name)).toContain(flags['from']);
      else
        for (const source of words.slice(0, -1)) {
          expect(existsSync(join(ROOT, source)), source).toBe(true);
          expect(letIn, source).toContain(source.split('/')[0]);
        }
    }
    for (const name of letIn) expect(existsSync(join(ROOT, name)), name).toBe(true);
  });

  test('ends as somebody to whom nothing in it belongs, in production', () => {
    const said = Object.fromEntries(last.map(({ instruction, words }) => [instruction, words]));
    expect(said).toMatchObject({ USER: ['node'], ENV: ['NODE_ENV=production'], ENTRYPOINT: ['node', 'start.mjs'] });
    expect(last.filter(({ instruction }) => instruction === 'COPY').map(({ flags }) => flags['chown'])).toEqual([
      'root:root',
    ]);
    // Cloud Run does not look at it, and probes by itself.
    expect(steps.map(({ instruction }) => instruction)).not.toContain('HEALTHCHECK');
  });

  test('compiles as the user, with the Node and at the place with which it runs', () => {
    const warm = stages.find(({ name }) => name === 'warm')?.steps ?? [];
    for (const instruction of ['WORKDIR', 'USER']) {
      const words = (list: typeof warm) => list.find((step) => step.instruction === instruction)?.words;
      expect(words(warm), instruction).toEqual(words(last));
    }
  });
});

test('.dockerignore with anything but names is not understood', () => {
  expect(() => parseDockerignore('*\n!a/**')).toThrow('!a/**');
  expect(() => parseDockerignore('node_modules')).toThrow('node_modules');
});
