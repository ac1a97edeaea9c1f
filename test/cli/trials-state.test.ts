import { expect, test } from 'vitest';
import type { ShownTrials } from '#cli/ops/trials.ts';
import type { Trial } from '#shared/domain/control.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { armOf } from '#shared/learning/switchback/schedule.ts';
import type { LocalPlatform } from '#shared/platform-embedded.ts';
import { changeControl } from '#shared/serving/change-control.ts';
import { decisionPayload, outcomePayload, rowOf } from '#test/contract/warehouse-rows.ts';
import { emptyState, run, runJson, temporary } from './run.ts';
import { withPlatform } from './with-platform.ts';

const DAY = 86_400_000;

const say = async (platform: LocalPlatform, trial: Trial | null, reason: string): Promise<void> => {
  const { worldClock } = platform;
  const deps = { objects: await platform.objects(), worldClock, stage: 'auto' } as const;
  await changeControl(deps, { change: { kind: 'trial', trial }, by: 'promote', reason });
};

/** Blocks so long that it does not matter how fast world time runs meanwhile: six are over, the seventh is half over. */
const trialUnderWay = (nowMs: number): Trial => ({
  challenger: 'linear',
  start: rfc3339(nowMs - 65 * DAY),
  block_ms: 10 * DAY,
  washout_ms: DAY,
  seed: 3,
  arms: ['rules', 'linear'],
});

/** A decision each twelve hours; those of the learner complete, the rules' fail to start. */
async function recordOf(platform: LocalPlatform, trial: Trial, nowMs: number): Promise<void> {
  const warehouse = await platform.warehouse();
  const instants = Array.from({ length: 129 }, (_, i) => Date.parse(trial.start) + i * (DAY / 2));
  await warehouse.append(
    'routing_decisions',
    instants.map((decidedMs, i) =>
      rowOf('routing-decision', decisionPayload(`d${i}`, { decided_at: rfc3339(decidedMs) }), nowMs),
    ),
  );
  const failed = { status: 'failed_to_start', blame: 'provider', ready_ms: null, latency_ms: null } as const;
  await warehouse.append(
    'routing_outcomes',
    instants.map((decidedMs, i) => {
      const instant = { decided_at: rfc3339(decidedMs), observed_at: rfc3339(decidedMs + DAY / 4) };
      const end = armOf(trial, decidedMs).arm === 'linear' ? {} : { ...failed, useful_gpu_hours: 0, cost_usd: 0 };
      return rowOf('routing-outcome', outcomePayload(`d${i}`, { ...instant, ...end }), nowMs);
    }),
  );
}

test('vm trials reads the trial that runs from the record, and those before it from the control log', async () => {
  const directory = await temporary();
  await emptyState(directory);
  const at = ['--dir', directory];
  expect((await run('trials', ...at)).out).toMatch(
    /^No trial was ever run\. One begins in stage auto, .*\n\nlinear +not judged yet\nnext look +at linear when 1,000 attempts have ended \(0 so far\)\na trial +would have blocks of 24 h: /,
  );
  expect((await runJson('trials', ...at)).value).toMatchObject({ running: null, past: [], damaged: [] });

  await withPlatform(directory, async (platform) => {
    const nowMs = platform.worldClock.now();
    const trial = trialUnderWay(nowMs);
    await say(platform, { ...trial, start: rfc3339(nowMs - 100 * DAY) }, 'it passed');
    await say(platform, null, 'worse, or not worth going on');
    await say(platform, trial, 'it passed again');
    await recordOf(platform, trial, nowMs);
  });
  const { value } = await runJson<ShownTrials>('trials', ...at);
  expect(value).toMatchObject({
    running: {
      began_because: 'it passed again',
      turn: { block: 6 },
      suspended: null,
      pairs: { matured: 3, left_out: 0, waiting: 0 },
      so_far: { verdict: 'open', pairs: 3, p: 0.125 },
      next_look: { pairs: 4 },
      next_proof: { pairs: 10 },
    },
    past: [{ trial: { challenger: 'linear' }, verdict: 'worse, or not worth going on' }],
    outlook: null,
    damaged: [],
  });
  expect(value.running?.so_far.uplift).toBeGreaterThan(0.5);
  expect((await run('trials', ...at)).out).toMatch(
    /^trial +the fast learner \(linear\) against the rules\n[\s\S]*\npairs +3 matured\n[\s\S]*\n\nBEGAN +ENDED .*\n.* rules +linear +worse, or not worth going on\n$/,
  );

  // The same trial as the commands that look at everything tell it.
  const last =
    /\nlast trial +the fast learner \(linear\) against the rules, ended \S+Z: worse, or not worth going on\n/;
  for (const words of [['control', 'show'], ['status']]) {
    const { out } = await run(...words, ...at);
    expect(out).toMatch(
      /\ntrial +the fast learner \(linear\) against the rules, in blocks of 10 d from .*: vm trials\n/,
    );
    expect(out).toMatch(last);
  }
  expect((await run('control', 'history', ...at)).out).toMatch(
    /\n3 +\S+Z +promote +trial of linear against rules +it passed again\n$/,
  );
});
