/**
 * Faults that no check was written against: what is drawn here is bad by what Kubernetes, KEDA and the services themselves say of their
 * own objects and answers, and knows of no check. Each says what it is about; one kind in nine is about nothing.
 */
import { uniforms } from '#sim/market/random.ts';
import type { Draw, GeneratedFault, Kind } from './generated-faults/draw.ts';
import { harmless } from './generated-faults/harmless.ts';
import { certificate, deployment, ingress, node, pod, scaler } from './generated-faults/objects.ts';
import { service, words } from './generated-faults/services.ts';

export type { GeneratedFault } from './generated-faults/draw.ts';

/** @param nowMs host epoch milliseconds of the look at it */
export function generateFault(seed: number, nowMs: number): GeneratedFault {
  const uniform = uniforms('generated', seed);
  const int = (least: number, most: number): number => least + Math.floor(uniform() * (most - least + 1));
  const draw: Draw = { one: (of) => of[int(0, of.length - 1)] ?? of[0], int };
  return draw.one(KINDS)(draw, nowMs);
}

const KINDS: readonly [Kind, ...Kind[]] = [
  pod,
  deployment,
  scaler,
  node,
  ingress,
  certificate,
  service,
  words,
  harmless,
];
