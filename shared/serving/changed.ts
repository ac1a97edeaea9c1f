import { type Control, MAX_INCIDENTS } from '#shared/domain/control.ts';
import type { ChangeNote } from '#shared/domain/control-change.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RejectedError } from '#shared/errors.ts';

/**
 * The control after a change; null when it says so already. Incidents that are over go with any change. Pure.
 * @throws RejectedError incidents_full, not_found (no such incident), state_conflict (another trial runs)
 */
export function changed(control: Control, { change, sequence, by, reason, at }: ChangeNote): Control | null {
  const incidents = control.incidents.filter(({ until }) => until > at);
  const now = { ...control, incidents };
  switch (change.kind) {
    case 'stage':
      return change.stage === control.stage ? null : { ...now, stage: change.stage };
    case 'share': {
      const { share, share_by = control.share_by } = change;
      return share === control.share && share_by === control.share_by ? null : { ...now, share, share_by };
    }
    case 'kill':
      return control.kill === null ? { ...now, kill: { by, reason, at } } : null;
    case 'resume':
      return control.kill === null ? null : { ...now, kill: null };
    case 'trial':
      if (JSON.stringify(change.trial) === JSON.stringify(control.trial)) return null;
      if (change.ends !== undefined && change.ends !== control.trial?.start) return null;
      if (change.trial !== null && control.trial !== null)
        throw new RejectedError(
          'state_conflict',
          `a trial of ${control.trial.challenger} runs; it has to end before one of ${change.trial.challenger} begins`,
        );
      return { ...now, trial: change.trial };
    case 'incident_add': {
      if (incidents.length >= MAX_INCIDENTS)
        throw new RejectedError(
          'incidents_full',
          `${incidents.length} incidents are open, the limit is ${MAX_INCIDENTS}`,
        );
      const until = rfc3339(Date.parse(at) + change.for_ms);
      return { ...now, incidents: [...incidents, { id: `i${sequence}`, reason, by, from: at, until }] };
    }
    case 'incident_end': {
      const left = incidents.filter(({ id }) => id !== change.id);
      if (left.length < incidents.length) return { ...now, incidents: left };
      const open = incidents.map(({ id }) => id).join(', ') || 'none';
      throw new RejectedError('not_found', `no open incident ${JSON.stringify(change.id)}; open are: ${open}`);
    }
    default:
      return change satisfies never;
  }
}
