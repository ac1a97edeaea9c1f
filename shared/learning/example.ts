import type { Features } from '#shared/domain/features.ts';

/**
 * One matured attempt as a training example. A null target is masked: that head learns nothing from this row.
 * Tenant's and our own faults are censored before this point.
 */
export interface Example {
  readonly decision_id: string;
  readonly attempt: number;
  /** World epoch milliseconds of the decision and of the final outcome. */
  readonly decided_at: number;
  readonly observed_at: number;
  readonly features: Features;
  /** Planned hours of the run, gpu_hours / gpu_count: what a hazard must be survived for. */
  readonly run_hours: number;
  /** 1 = became ready, 0 = did not. */
  readonly started: 0 | 1;
  /** Null when it never started. */
  readonly interrupted: 0 | 1 | null;
  readonly exposure_hours: number | null;
  /** log(paid / advertised). */
  readonly log_price_ratio: number | null;
  /** log(measured / advertised). */
  readonly log_latency_ratio: number | null;
  /** log(milliseconds until ready). */
  readonly log_ready_ms: number | null;
  /** Acting policy's mode and propensity, for the gate. */
  readonly mode: string;
  readonly propensity: number | null;
  /** Realised utility. */
  readonly utility: number;
}
