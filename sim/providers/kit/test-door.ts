import { describeIssues } from '#shared/domain/events/codec.ts';
import type { Reply } from './api.ts';
import { type FaultPlan, faultRules } from './faults.ts';

/** What a fake tells of itself, and lets others switch, under `/_fake/`: for tests in other processes. No key is asked for. */
export interface TestDoorDeps {
  readonly faults: FaultPlan;
  log(): readonly unknown[];
  bills(): readonly unknown[];
}

/** Null: not its path. `body`: JSON, or undefined. */
export function testDoor({ faults, log, bills }: TestDoorDeps) {
  return (method: string, path: string, body: unknown): Reply | null => {
    if (!path.startsWith('/_fake/')) return null;
    if (method === 'GET' && path === '/_fake/log') return { status: 200, body: log() };
    if (method === 'GET' && path === '/_fake/bills') return { status: 200, body: bills() };
    if (method === 'PUT' && path === '/_fake/faults') return setFaults(faults, body);
    return { status: 404, body: { error: 'not_found' } };
  };
}

function setFaults(faults: FaultPlan, body: unknown): Reply {
  const rules = faultRules.safeParse(body);
  if (!rules.success) return { status: 400, body: { error: describeIssues(rules.error.issues) } };
  try {
    faults.set(rules.data);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { status: 400, body: { error: error.message } };
  }
  return { status: 200, body: faults.rules() };
}
