/** What Cloud Storage's JSON API says of an object, and what of it is ours to tell. */
import { z } from 'zod';
import type { ObjectEntry, ObjectVersion, Precondition } from '#shared/ports/objects.ts';

/** Generations are 64-bit integers, so they come as text. */
const integer = z.string().regex(/^\d{1,19}$/);

export const resource = z.object({
  name: z.string(),
  generation: integer,
  metageneration: integer,
  size: z.string().regex(/^\d+$/).transform(Number),
  /** Big-endian, base64 (RFC 4960 appendix B, in network byte order). */
  crc32c: z.string(),
  metadata: z.record(z.string(), z.string()).default({}),
});
export type Resource = z.output<typeof resource>;
/** Without any, Cloud Storage leaves `items` out. */
export const listing = z.object({ items: z.array(resource).default([]), nextPageToken: z.string().optional() });
export const FIELDS = Object.keys(resource.shape).join(',');

/**
 * Names of the write that made a content, and of the one that made its metadata: an answer that was lost makes the client
 * try again, and the second try then fails on its own success. By these it is told apart from somebody else's.
 */
export const CONTENT_MARK = 'aurora-write';
export const METADATA_MARK = 'aurora-metadata-write';

export function versionOf({ generation, metageneration, size, metadata }: Resource): ObjectVersion {
  const { [CONTENT_MARK]: _content, [METADATA_MARK]: _metadata, ...own } = metadata;
  return { generation, metageneration, size, metadata: own };
}

export const entryOf = (found: Resource): ObjectEntry => ({ name: found.name, ...versionOf(found) });

/** As the query of a request. */
export const conditionsOf = ({
  generationMatch,
  generationNotMatch,
  metagenerationMatch,
  metagenerationNotMatch,
}: Precondition): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries({
      ifGenerationMatch: generationMatch,
      ifGenerationNotMatch: generationNotMatch,
      ifMetagenerationMatch: metagenerationMatch,
      ifMetagenerationNotMatch: metagenerationNotMatch,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

/** A generation of another store names nothing here, and Cloud Storage refuses what is not a number. */
export const isGeneration = (text: string): boolean => integer.safeParse(text).success && text !== '0';
