import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { createGcsObjects } from '#shared/adapters/objects/gcs/index.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { fakeClock } from '#test/support/clock.ts';
import { BUCKET, type Fault, type GcsFake, startGcsFake } from '#test/support/gcs/server.ts';
import { bucketsAt, storageTarget } from '#test/support/gcs/target.ts';
import { objectsContract } from './objects.ts';

const target = storageTarget('objects-gcs');
afterAll(() => target.close());

objectsContract(
  target.name,
  async () => {
    const { where, damage, dispose } = await target.store();
    return {
      open: async () => createGcsObjects({ ...where, newMark: randomUUID, hostClock }),
      damage: async (name, change) => damage?.(name, change),
      dispose,
    };
  },
  { damageable: target.damageable },
);

describe('objects in Cloud Storage', () => {
  let fake: GcsFake;
  beforeEach(async () => {
    fake = await startGcsFake();
  });
  afterEach(() => fake.close());

  const open = (clock: HostClock = hostClock, marks: () => string = randomUUID): Objects =>
    createGcsObjects({
      bucket: BUCKET,
      endpoint: fake.endpoint,
      token: () => Promise.reject(new Error('expected no credentials')),
      newMark: marks,
      hostClock: clock,
    });
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  /** The n-th request that fits (1 = the next), and no other. */
  const nth = (n: number, fits: (method: string) => boolean, what: NonNullable<ReturnType<Fault>>): Fault => {
    let seen = 0;
    return ({ method }) => (fits(method) && ++seen === n ? what : null);
  };
  const isUpload = (method: string): boolean => method === 'POST';

  test('a write whose answer was lost has been done once, and is known for its own', async () => {
    const objects = open();
    fake.fault = nth(1, isUpload, 'answer lost');
    const written = await objects.write('lease', bytes('mine'), { generationMatch: '0' });
    expect(fake.requests.filter((request) => request.startsWith('POST'))).toHaveLength(2);
    expect(await objects.read('lease')).toEqual({ ...written, bytes: bytes('mine') });
    await objects.close();
  });

  test('of two that create the same with the same bytes, one is told so', async () => {
    const [one, other] = [open(), open()];
    await one.write('lease', bytes('same'), { generationMatch: '0' });
    await expect(other.write('lease', bytes('same'), { generationMatch: '0' })).rejects.toMatchObject({
      code: 'object_precondition_failed',
    });
    await Promise.all([one.close(), other.close()]);
  });

  test('a metadata write whose answer was lost is known for its own too', async () => {
    const objects = open();
    await objects.write('meta', bytes('x'), {}, { old: '1' });
    fake.fault = nth(1, (method) => method === 'PATCH', 'answer lost');
    const written = await objects.writeMetadata('meta', { fresh: '2' }, { metagenerationMatch: '1' });
    expect(written).toMatchObject({ metageneration: '2', metadata: { fresh: '2' } });
    await objects.close();
  });

  test('what it refuses for a moment is asked again, without a precondition too', async () => {
    const objects = open();
    fake.fault = nth(1, isUpload, { status: 503 });
    await objects.write('busy', bytes('x'), {});
    fake.fault = nth(1, () => true, { status: 429 });
    expect(await objects.read('busy')).toMatchObject({ bytes: bytes('x') });
    await objects.close();
  });

  test('a download that was broken on its way is fetched again', async () => {
    const objects = open();
    await objects.write('model', bytes('whole'), {});
    fake.bucket.damage('model', (content) => content.slice(1));
    fake.fault = ({ query }) => {
      // The second download is whole again.
      if (fake.requests.length > 0 && query.get('alt') === 'media') {
        const downloads = fake.requests.filter((request) => request.startsWith('GET')).length;
        if (downloads > 2) fake.bucket.damage('model', () => bytes('whole'));
      }
      return null;
    };
    expect(await objects.read('model')).toMatchObject({ bytes: bytes('whole') });
    await objects.close();
  });

  test('who keeps failing is unavailable, and a reader stops asking after some tries', async () => {
    const clock = fakeClock();
    const objects = open(clock);
    fake.fault = () => ({ status: 503 });
    const reading = objects.read('x').catch((error: unknown) => error);
    for (let i = 0; i < 4; i++) {
      await vi.waitUntil(() => fake.requests.length > i);
      await vi.waitUntil(() => clock.pending() === 2 || i === 3);
      await clock.advance(1_000);
    }
    expect(await reading).toMatchObject({ code: 'objects_unavailable', message: expect.stringContaining('HTTP 503') });
    expect(fake.requests).toHaveLength(4);
    await objects.close();
  });

  test.each([401, 403])('%i says what the service account lacks', async (status) => {
    const objects = open();
    fake.fault = () => ({ status });
    await expect(objects.read('x')).rejects.toMatchObject({
      code: 'objects_unavailable',
      message: expect.stringContaining('roles/storage.objectViewer'),
    });
    for (const ask of [() => objects.write('x', bytes('y'), {}), () => objects.remove('x', {})])
      await expect(ask()).rejects.toMatchObject({
        code: 'objects_unavailable',
        message: expect.stringContaining('roles/storage.objectUser'),
      });
    await objects.close();
  });

  test('whoever never answers is given up at the deadline, reads and writes alike', async () => {
    const clock = fakeClock();
    const objects = open(clock);
    fake.fault = () => 'black hole';
    const asked = [objects.read('x'), objects.write('x', bytes('y'), {})].map((asking) =>
      asking.catch((error: unknown) => error),
    );
    await vi.waitUntil(() => fake.requests.length === 2);
    await clock.advance(60_000);
    for (const error of await Promise.all(asked))
      expect(error).toMatchObject({
        code: 'objects_unavailable',
        message: expect.stringContaining('no answer within'),
      });
    await objects.close();
  });

  test('a poll that finds nothing new is one request', async () => {
    const objects = open();
    const { generation } = await objects.write('poll', bytes('x'), {});
    fake.requests.length = 0;
    expect(await objects.readUnless('poll', generation)).toBe('unchanged');
    expect(fake.requests).toEqual([`GET /storage/v1/b/${BUCKET}/o/poll`]);
    await objects.close();
  });

  test('what expires carries the instant for a lifecycle rule', async () => {
    const objects = open();
    await objects.write('brief', bytes('x'), {}, { expires_at: '2026-01-01T00:00:00.000Z' });
    expect(fake.bucket.get('brief', {}, null).customTime).toBe('2026-01-01T00:00:00.000Z');
    await objects.close();
  });

  test('the suites make and remove buckets of their own where an endpoint is given', async () => {
    const given = bucketsAt({ title: 'the fake', endpoint: fake.endpoint, projectId: 'test', location: 'EU' });
    const [one, other] = [await given.store(), await given.store()];
    const store = createGcsObjects({ ...one.where, newMark: randomUUID, hostClock });
    await store.write('a', bytes('x'), {});
    await store.close();
    await one.dispose();
    const again = await given.store();
    expect([again.where.bucket, other.where.bucket === one.where.bucket]).toEqual([one.where.bucket, false]);
    await Promise.all([again.dispose(), other.dispose()]);
    await given.close();
    for (const name of [one.where.bucket, other.where.bucket])
      expect(fake.requests).toContain(`DELETE /storage/v1/b/${name}`);
    expect((await fetch(`${fake.endpoint}/storage/v1/b/${one.where.bucket}/o`)).status).toBe(404);
  });
});
