import { type Control, control, defaultControl, type Stage } from '#shared/domain/control.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { polledObject } from './polled-object.ts';

/** `control/policy.json`: written by people and the gate (change-control.ts), polled by score and route. */
export const CONTROL_OBJECT = 'control/policy.json';

export interface PolledControl {
  /** The last valid one; the default where there never was one; while nobody can tell what it says, that the rules act. */
  current(): Control;
  /** Why the object is not what is followed; null when it is. */
  fault(): string | null;
  /** Looks once. Never throws. */
  refresh(): Promise<void>;
}

/** @throws RejectedError control_invalid */
export function parseControl(bytes: Uint8Array): Control {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new RejectedError('control_invalid', `${CONTROL_OBJECT}: expected JSON in UTF-8`, { cause });
  }
  const parsed = control.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new RejectedError('control_invalid', `${CONTROL_OBJECT}: ${describeIssues(parsed.error.issues)}`);
}

/** @param stage of the default */
export function polledControl(objects: Objects, stage: Stage, log: Log): PolledControl {
  const polled = polledObject({ name: CONTROL_OBJECT, objects, log, parse: parseControl });
  const unsaid = defaultControl(stage);
  // What cannot be read may have pulled the kill switch.
  const unreadable = defaultControl('apprentice');
  return {
    current: () => polled.current()?.value ?? (polled.lastError() === null ? unsaid : unreadable),
    fault: polled.lastError,
    refresh: polled.refresh,
  };
}
