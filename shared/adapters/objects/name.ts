import { createHash } from 'node:crypto';
import { RejectedError } from '#shared/errors.ts';

/** Cloud Storage's own limit. */
const MAX_NAME_BYTES = 1024;
/** File systems take 255 bytes a segment; the rest is for `@` and the content id. */
const MAX_SEGMENT_CHARS = 200;
/** macOS takes paths of 1024 bytes; half of it is left to the directory. */
const MAX_PATH_CHARS = 512;

// C0, DEL and C1: legal in a file name, unreadable in a log, and forbidden in part by Cloud Storage.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * A name is relative, of 1 to 1024 UTF-8 bytes, without control characters and without empty, "." or ".." segments.
 * @throws RejectedError object_name_invalid
 */
export function checkName(name: string): void {
  const wrong = faultOf(name);
  if (wrong !== null) {
    throw new RejectedError('object_name_invalid', `object name ${quote(name)}: ${wrong}`);
  }
}

/** A prefix is any text that UTF-8 can carry; one that fits no name simply matches nothing. */
export function checkPrefix(prefix: string): void {
  if (!prefix.isWellFormed()) {
    throw new RejectedError('object_name_invalid', `object prefix ${quote(prefix)}: expected well-formed Unicode`);
  }
}

function faultOf(name: string): string | null {
  if (name === '') return 'expected at least 1 byte';
  if (!name.isWellFormed()) return 'expected well-formed Unicode';
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_NAME_BYTES) return `expected at most ${MAX_NAME_BYTES} bytes, got ${bytes}`;
  if (CONTROL.test(name)) return 'expected no control characters';
  if (name.startsWith('/')) return 'expected a relative name';
  const bad = name.split('/').find((segment) => segment === '' || segment === '.' || segment === '..');
  return bad === undefined ? null : `expected no segment ${quote(bad)}`;
}

const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/**
 * Where the content `contentId` of `name` lies, relative to the store: `models/v1/model.json@3f9c…`. The id alone makes a
 * path unique, so `A` and `a` may share a folder on a file system that ignores case; `@` is escaped in segments, so that the file
 * of `a` (`a@id`) never meets the folder of `a/b` (`a`). No segment starts with a dot: those names are the store's own.
 */
export function contentPath(name: string, contentId: string): string {
  const segments = name.split('/').map(escapeSegment);
  const readable = segments.join('/');
  const fits = readable.length <= MAX_PATH_CHARS && segments.every((segment) => segment.length <= MAX_SEGMENT_CHARS);
  return `${fits ? readable : `~/${createHash('sha256').update(name).digest('hex')}`}@${contentId}`;
}

/** The content id at the end of a file's name, or null for a file that is not ours. */
export function contentIdOf(fileName: string): string | null {
  return /@([0-9a-f]{32})$/.exec(fileName)?.[1] ?? null;
}

/** Percent-encodes all but letters, digits, `_`, `-` and inner dots: what any file system keeps as it is given. */
function escapeSegment(segment: string): string {
  let escaped = '';
  for (const byte of Buffer.from(segment)) {
    const char = String.fromCharCode(byte);
    const plain = /[A-Za-z0-9_-]/.test(char) || (char === '.' && escaped !== '');
    escaped += plain ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}
