import { advertisedPolicy } from './advertised.ts';
import { auroraPolicy, autoPolicy, linearPolicy } from './aurora.ts';
import { oraclePolicy } from './oracle.ts';
import type { PolicyOf } from './policy.ts';
import { rulesPolicy } from './rules.ts';
import { tablesPolicy } from './tables.ts';
import { bothPolicy, networkPolicy } from './versions.ts';

/** In the order in which they are told: from the baseline to the best that can be done. */
export const POLICIES = {
  rules: rulesPolicy,
  advertised: advertisedPolicy,
  tables: tablesPolicy,
  network: networkPolicy,
  linear: linearPolicy,
  both: bothPolicy,
  aurora: auroraPolicy,
  auto: autoPolicy,
  oracle: oraclePolicy,
} satisfies Readonly<Record<string, PolicyOf>>;

export type PolicyName = keyof typeof POLICIES;
export const POLICY_NAMES = Object.keys(POLICIES) as readonly PolicyName[];
