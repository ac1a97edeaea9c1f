import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trimmedLine, trimRecord } from '#cli/stack/retention.ts';
import { parseConfig } from '#shared/config.ts';
import { MS_PER_DAY } from '#shared/defaults.ts';
import { routingDecision } from '#shared/domain/events/catalogue.ts';
import { decodeEvent, encodeEvent, eventRow } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { createEmbeddedPlatform, type LocalPlatform } from '#shared/platform-embedded.ts';
import { fakeClock } from '#test/support/clock.ts';
import { aDecision } from '#test/support/events.ts';
import { memoryLog } from '#test/support/runtime.ts';
import { aFewRows, FEW, run, runJson, temporary } from './run.ts';

const KEEP_DAYS = 120;

/** The platform of a directory as it will be after so many days of world time. */
async function later<T>(directory: string, days: number, use: (platform: LocalPlatform) => Promise<T>): Promise<T> {
  const hostClock = fakeClock(Date.now());
  const platform = await createEmbeddedPlatform({
    config: parseConfig({ AURORA_DIR: directory }),
    hostClock,
    log: memoryLog(),
    random: () => 0.5,
    keepsWorldTime: false,
  });
  await hostClock.advance(days * MS_PER_DAY);
  try {
    return await use(platform);
  } finally {
    await platform.close();
  }
}

async function decide(platform: LocalPlatform, id: string): Promise<void> {
  const nowMs = platform.worldClock.now();
  const decision = aDecision({ decision_id: id, request_id: id, decided_at: rfc3339(nowMs) });
  const { data, attributes } = encodeEvent(routingDecision, decision);
  const decoded = decodeEvent(data, attributes);
  if (!decoded.ok) throw new Error(decoded.reason);
  await (await platform.warehouse()).append('routing_decisions', [eventRow(decoded.event, nowMs)]);
}

describe('retention', () => {
  it.each(['1990-01-01T00:00:00Z', '2900-01-01T00:00:00Z'])(
    'keeps a record that starts in %s: a second replay changes nothing',
    { timeout: 30_000 },
    async (start) => {
      const base = await temporary();
      const directory = join(base, 'state');
      const words = ['replay', await aFewRows(base), '--start', start, '--dir', directory];
      await run(...words);
      for (const days of [0, 10 * KEEP_DAYS])
        expect(await later(directory, days, (platform) => trimRecord(platform, KEEP_DAYS))).toMatchObject({
          removed: {},
        });
      expect((await run(...words)).out).toBe(
        `${FEW} rows: 0 decisions and 0 outcomes sent, ${2 * FEW} events were there already\n`,
      );
      expect((await runJson('status', '--dir', directory)).value).toMatchObject({
        decisions: { accepted: FEW, distinct: FEW },
        outcomes: { accepted: FEW, distinct: FEW },
      });
    },
  );

  it('removes what was decided here once it is older than it may be, and says what', async () => {
    const directory = await temporary();
    await later(directory, 0, (platform) => decide(platform, 'first'));
    await later(directory, 1, (platform) => decide(platform, 'second'));
    const trimmed = await later(directory, KEEP_DAYS + 0.5, (platform) => trimRecord(platform, KEEP_DAYS));
    expect(trimmed.removed).toEqual({ routing_decisions: 1 });
    expect(trimmedLine(trimmed)).toBe(
      `removed from the record what came in before ${trimmed.before.slice(0, 10)}: 1 routing_decisions`,
    );
    expect((await later(directory, KEEP_DAYS + 0.5, (platform) => trimRecord(platform, KEEP_DAYS))).removed).toEqual(
      {},
    );
    expect(trimmedLine({ ...trimmed, removed: {} })).toBeNull();
  });
});
