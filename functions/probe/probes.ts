import type { Suite } from '#shared/probes/suite.ts';
import type { ProbeTools } from '#shared/probes/tools.ts';
import type { Webhook } from './webhook.ts';

/** What is looked at, with what, and who is told. */
export interface Probes {
  readonly suites: readonly Suite[];
  /** For one run each: what a run has read, the next one reads anew. */
  readonly tools: () => ProbeTools;
  /** Null: nobody is called; alerts are on record and in the metrics. Closed at the drain. */
  readonly webhook: Webhook | null;
  /** Of what was opened for them; whoever made them may do that himself. */
  readonly close?: () => Promise<void>;
}
