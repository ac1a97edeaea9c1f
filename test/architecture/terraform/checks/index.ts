import type { Check } from '../check.ts';
import { ALERTING } from './alerts.ts';
import { ENV } from './env.ts';
import { ISOLATION } from './environments.ts';
import { FUNCTIONS } from './functions.ts';
import { MESSAGES } from './messages.ts';
import { PROBE } from './probe.ts';
import { REFERENCES } from './references.ts';
import { RIGHTS } from './rights.ts';
import { STORES } from './stores.ts';
import { WORDS } from './words.ts';

export const CHECKS: readonly Check[] = [
  ...REFERENCES,
  ...MESSAGES,
  ...FUNCTIONS,
  ...ENV,
  ...RIGHTS,
  ...PROBE,
  ...STORES,
  ...ALERTING,
  ...ISOLATION,
  ...WORDS,
];
