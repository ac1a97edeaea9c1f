import { z } from 'zod';
import { uniforms } from '../../market/random.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { exposition, gauge } from './exposition.ts';
import { createField, DIMENSIONS, type FieldState } from './field.ts';
import { EXPOSITION, HTML, json, type Service, type ServiceReply, text } from './service.ts';

export interface PsiFieldOptions {
  readonly seed: number;
  readonly startMs: number;
  readonly faults: FaultSwitches;
}

/** Host milliseconds from one step of its own to the next: several between two looks of a probe, at most four digests a second. */
const STEP_MS = 250;
/** Steps before the start of the simulation. */
const STEPS_BEFORE = 184_000;
/** What `psi_prediction_error_high` shows; its operators are woken at 1.5. */
const HIGH_ERROR = 2.1;

/** Share of the calls that `flapping` refuses. */
const FLAPS = 0.2;

const stepRequest = z.object({ x: z.array(z.number()).length(DIMENSIONS), apply_guardian: z.boolean().default(true) });

/** Density, coherence and so on of a field that moves by itself. */
export function createPsiField({ seed, startMs, faults }: PsiFieldOptions): Pick<Service, 'isDown' | 'answer'> {
  const field = createField(seed, STEPS_BEFORE);
  const draw = uniforms('flapping', seed);
  let doneSteps = 0;
  let interventions = 0;
  let checked = 0;
  let last: string | null = null;

  function stateAt(nowMs: number): FieldState {
    const due = Math.floor((nowMs - startMs) / STEP_MS);
    const frozen = faults.has('psi_frozen');
    // What it did not do while it stood still is not made up for.
    if (!frozen && due > doneSteps) field.run(due - doneSteps);
    doneSteps = Math.max(due, doneSteps);
    const state = field.state();
    return faults.has('psi_prediction_error_high') ? { ...state, PE: HIGH_ERROR, C: Math.exp(-HIGH_ERROR) } : state;
  }

  function step(body: unknown, nowMs: number): ServiceReply {
    const asked = stepRequest.safeParse(body);
    if (!asked.success) return json({ detail: asked.error.issues.map(unprocessable) }, 422);
    stateAt(nowMs);
    if (!faults.has('psi_frozen')) field.step(asked.data.x);
    const state = stateAt(nowMs);
    const intervenes = asked.data.apply_guardian && state.PE > 1.5;
    checked += asked.data.apply_guardian ? 1 : 0;
    interventions += intervenes ? 1 : 0;
    if (intervenes) last = new Date(nowMs).toISOString();
    return json({ ...state, timestamp: new Date(nowMs).toISOString(), guardian: { applied: intervenes } });
  }

  return {
    isDown: () => faults.has('psi_down'),
    answer({ method, path, body, nowMs }) {
      if (faults.has('flapping') && draw() < FLAPS) return json({ detail: 'Service Unavailable' }, 503);
      const timestamp = new Date(nowMs).toISOString();
      if (faults.has('psi_not_json') && (path === '/health' || path === '/state'))
        return text('<!doctype html><title>Psi-Field</title><p>Loading</p>', HTML);
      if (method === 'POST') return path === '/step' ? step(body, nowMs) : json({ detail: 'Method Not Allowed' }, 405);
      if (path === '/health')
        return json({
          status: 'healthy',
          import_success: !faults.has('psi_import_failed'),
          engine_initialized: !faults.has('psi_not_initialized'),
          timestamp,
        });
      if (path === '/state') return json({ ...stateAt(nowMs), timestamp });
      if (path === '/guardian/statistics')
        return json({ total_checks: checked, interventions, last_intervention: last, prediction_error_limit: 1.5 });
      if (path === '/metrics') return text(metricsOf(stateAt(nowMs)), EXPOSITION);
      return json({ detail: 'Not Found' }, 404);
    },
  };
}

const unprocessable = ({ path, message, code }: z.core.$ZodIssue) => ({
  loc: ['body', ...path.map(String)],
  msg: message,
  type: code,
});

const metricsOf = ({ Psi, Phi, C, U, H, PE, dt_eff }: FieldState): string =>
  exposition([
    gauge('psi_field_density', 'Density of the field', Psi),
    gauge('psi_field_phase_coherence', 'Phase coherence', Phi),
    gauge('psi_field_continuity', 'Continuity', C),
    gauge('psi_field_futurity', 'Futurity', U),
    gauge('psi_field_temporal_entropy', 'Temporal entropy', H),
    gauge('psi_field_prediction_error', 'Prediction error', PE),
    gauge('psi_field_time_dilation', 'Time dilation', dt_eff),
  ]);
