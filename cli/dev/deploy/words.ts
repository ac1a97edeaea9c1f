import type { Step } from './plan.ts';
import { PROBES, TRAINING_JOB } from './services.ts';

/** A step as a line. */
export function wordsOf(step: Step): string {
  switch (step.kind) {
    case 'create':
      return `${step.service}: a new revision, without traffic`;
    case 'ask':
      return `${step.service}: ${step.revision} is asked GET /health, GET /ready, POST ${pathOf(step.service)}`;
    case 'watch':
      return `${step.service}: ${step.revision} is watched beside ${step.against}`;
    case 'job':
      return `${TRAINING_JOB}: the new image`;
    case 'split':
      return `${step.service}: ${shares(step.split)}${step.untag.length === 0 ? '' : `, without the tags ${step.untag.join(', ')}`}`;
    default:
      return step satisfies never;
  }
}

export const shares = (split: Readonly<Record<string, number>>): string =>
  Object.entries(split)
    .map(([revision, percent]) => `${revision} ${percent} %`)
    .join(', ');

const pathOf = (service: string): string => PROBES[service as keyof typeof PROBES]?.path ?? '';
