import { z } from 'zod';
import type { FakeRequest, Reply } from '../kit/api.ts';
import { refusal } from './faults.ts';

const asked = z.object({
  limit: z.coerce.number().int().min(1).max(50).default(20),
  page: z.coerce.number().int().min(1).default(1),
});

/** A page of a list, as all of this API's lists are given. */
export function pageOf<T>({ query }: FakeRequest, all: readonly T[], show: (item: T) => unknown): Reply {
  const parsed = asked.safeParse({ limit: query.get('limit') ?? undefined, page: query.get('page') ?? undefined });
  if (!parsed.success) return refusal(400, 'VALIDATION_ERROR', 'limit: 1 to 50; page: 1 or more');
  const { limit, page } = parsed.data;
  const data = all.slice((page - 1) * limit, page * limit).map(show);
  return { status: 200, body: { data, limit, page, total: all.length } };
}
