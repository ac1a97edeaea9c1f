/**
 * Writes the control object. Promise: each change is one compare-and-swap, made of what the writer has read; who, why and when
 * are on record in `control/log/000042.json`, create-only. The object carries the note of its own last change in its metadata,
 * written in the same step; who is killed before the log has it leaves it to the next change, and `history` shows it meanwhile.
 */
import { type Control, defaultControl, type Stage } from '#shared/domain/control.ts';
import {
  type Change,
  type ChangeEntry,
  type ChangeNote,
  changeEntry,
  changeNote,
} from '#shared/domain/control-change.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { numberedName, sequencesUnder } from '#shared/registry/numbered.ts';
import {
  createRecord,
  isCorrupt,
  isPreconditionFailed,
  jsonBytes,
  parseObject,
  readObject,
} from '#shared/registry/object-json.ts';
import { changed } from './changed.ts';
import { CONTROL_OBJECT, parseControl } from './control.ts';

export interface ControlDeps {
  readonly objects: Objects;
  readonly worldClock: WorldClock;
  /** Of the default, where nobody has said anything yet. */
  readonly stage: Stage;
}

export interface Said {
  readonly change: Change;
  readonly by: string;
  readonly reason: string;
}

export interface ControlView {
  readonly control: Control;
  /** False: nobody has said anything, and the default holds. */
  readonly written: boolean;
  /** Why the object is not what `control` says; null when it is. */
  readonly fault: string | null;
}

const LOG = 'control/log/';
/** In the metadata of the object. */
const NOTE = 'last_change';
/** Each lost round means that another writer won one; more than this many at once is not people and one gate. */
const ATTEMPTS = 32;
/** Entries among which one that can be read is looked for, when the object cannot be. */
const LOOK_BACK = 16;
/** Newest changes that are read. */
const HISTORY_LIMIT = 256;

/**
 * Answers the entry, and null where the object says so already. An object that cannot be read is written anew from what the log
 * says of it last.
 * @throws RejectedError reason_required, and what `changed` throws
 * @throws TransientError objects_unavailable
 */
export async function changeControl(deps: ControlDeps, { change, by, reason }: Said): Promise<ChangeEntry | null> {
  const { objects, worldClock } = deps;
  if (reason.trim() === '') throw new RejectedError('reason_required', `${change.kind} needs a reason`);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const there = await look(deps);
    let last = (await sequencesUnder(objects, LOG)).at(-1) ?? 0;
    if (there.note !== null && there.note.sequence > last) {
      await record(objects, { ...there.note, control: there.control });
      last = there.note.sequence;
    }
    const note: ChangeNote = changeNote.parse({
      sequence: last + 1,
      at: rfc3339(worldClock.now()),
      by,
      reason: reason.trim().slice(0, REASON_LIMIT),
      change,
    });
    const next = changed(there.control, note);
    // A stage that is the default becomes somebody's word, which no environment changes any more.
    const holds = there.written || change.kind !== 'stage';
    if (next === null && holds && there.fault === null) return null;
    const entry = { ...note, control: next ?? there.control };
    try {
      const metadata = { [NOTE]: JSON.stringify(note) };
      await objects.write(CONTROL_OBJECT, jsonBytes(entry.control), { generationMatch: there.generation }, metadata);
    } catch (error) {
      if (!isPreconditionFailed(error)) throw error;
      continue;
    }
    await record(objects, entry);
    return entry;
  }
  throw new TransientError('objects_unavailable', `${CONTROL_OBJECT}: others changed it ${ATTEMPTS} times meanwhile`);
}

const REASON_LIMIT = 1024;

/** What holds for whoever starts now. @throws TransientError objects_unavailable */
export async function readControl(deps: Pick<ControlDeps, 'objects' | 'stage'>): Promise<ControlView> {
  const { control, written, fault } = await look(deps);
  return { control, written, fault };
}

/** The newest changes, oldest first; those that cannot be read are left out. @throws TransientError objects_unavailable */
export async function controlHistory(
  deps: Pick<ControlDeps, 'objects' | 'stage'>,
  limit = HISTORY_LIMIT,
): Promise<readonly ChangeEntry[]> {
  const { note, control, fault } = await look(deps);
  const entries = await logged(deps.objects, limit);
  const known = note === null || fault !== null || entries.some(({ sequence }) => sequence === note.sequence);
  return known ? entries : [...entries, { ...note, control }];
}

interface There extends ControlView {
  /** "0": there is no object. */
  readonly generation: string;
  readonly note: ChangeNote | null;
}

async function look({ objects, stage }: Pick<ControlDeps, 'objects' | 'stage'>): Promise<There> {
  let generation = '0';
  try {
    const stored = await readObject(objects, CONTROL_OBJECT);
    if (stored === null) return { control: defaultControl(stage), written: false, fault: null, generation, note: null };
    generation = stored.generation;
    return {
      control: parseControl(stored.bytes),
      written: true,
      fault: null,
      generation,
      note: noteIn(stored.metadata),
    };
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    // The store tells which bytes it found damaged.
    const damaged = error.details?.['generation'];
    const last = (await logged(objects, LOOK_BACK)).at(-1);
    return {
      control: last?.control ?? defaultControl('apprentice'),
      written: true,
      fault: `${error.code}: ${error.message}`,
      generation: damaged === undefined ? generation : String(damaged),
      note: null,
    };
  }
}

/** Null: whoever wrote the object left none that this build reads. */
function noteIn(metadata: Readonly<Record<string, string>>): ChangeNote | null {
  const text = metadata[NOTE];
  if (text === undefined) return null;
  try {
    return parseObject(`${CONTROL_OBJECT} ${NOTE}`, new TextEncoder().encode(text), changeNote);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return null;
  }
}

/** Of the newest `limit` entries those that can be read, oldest first. */
async function logged(objects: Objects, limit: number): Promise<readonly ChangeEntry[]> {
  const entries: ChangeEntry[] = [];
  for (const sequence of (await sequencesUnder(objects, LOG)).slice(-limit)) {
    const entryName = numberedName(LOG, sequence);
    try {
      const stored = await readObject(objects, entryName);
      if (stored !== null) entries.push(parseObject(entryName, stored.bytes, changeEntry));
    } catch (error) {
      if (!isCorrupt(error)) throw error;
    }
  }
  return entries;
}

/** Once, whoever else does it. An entry that is there and damaged keeps its number and must not bar a kill switch. */
async function record(objects: Objects, entry: ChangeEntry): Promise<void> {
  try {
    await createRecord(objects, numberedName(LOG, entry.sequence), jsonBytes(entry));
  } catch (error) {
    if (!isCorrupt(error)) throw error;
  }
}
