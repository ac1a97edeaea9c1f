import { describe, expect, it } from 'vitest';
import { startLive } from '#cli/stack/live.ts';
import { type LiveView, liveJson, liveLine } from '#cli/stack/live-line.ts';
import { screenOf } from '#cli/stack/screen.ts';
import { trialNews } from '#cli/stack/trial-news.ts';
import { welcome, welcomeJson } from '#cli/stack/welcome.ts';
import { parseConfig } from '#shared/config.ts';
import { defaultControl, type Trial } from '#shared/domain/control.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { LocalWarehouse } from '#shared/platform-embedded.ts';
import { createEmbeddedPlatform, type LocalPlatform } from '#shared/platform-embedded.ts';
import { latestRunOf, type RunReport } from '#shared/probes/run.ts';
import { jsonBytes } from '#shared/registry/object-json.ts';
import { changeControl } from '#shared/serving/change-control.ts';
import { loadMarketSpec, loadScenarioSpec } from '#sim/market/load-spec.ts';
import { type FakeClock, fakeClock } from '#test/support/clock.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { memoryLog } from '#test/support/runtime.ts';
import { temporary } from './run.ts';

const EVERY_MS = 1_000;

type Serving = NonNullable<LiveView['current']['serving']>;
const serving = (changes: Partial<Serving>): Serving => ({
  mode: 'rules',
  actor: 'rules',
  version: null,
  fault: null,
  stage: 'auto',
  share: 1,
  explores: true,
  trial: null,
  kill: null,
  ...changes,
});

const trialOf = (challenger: string, startMs: number): Trial => ({
  challenger,
  start: rfc3339(startMs),
  block_ms: 3_600_000,
  washout_ms: 0,
  seed: 1,
  arms: ['rules', challenger],
});

/** A stack whose warehouse answers when it is told to; all else is as it is. */
async function slowStack(use: (stack: SlowStack) => Promise<void>): Promise<void> {
  const directory = await temporary();
  const clock = fakeClock();
  const platform = await createEmbeddedPlatform({
    config: parseConfig({ AURORA_DIR: directory }),
    hostClock: clock,
    log: memoryLog(),
    random: () => 0.5,
    keepsWorldTime: false,
  });
  const real = await platform.warehouse();
  const waiting: (() => void)[] = [];
  const warehouse: LocalWarehouse = {
    ...real,
    query: async (query, params) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return real.query(query, params);
    },
  };
  try {
    await use({ clock, waiting, platform: { ...platform, warehouse: async () => warehouse } });
  } finally {
    await platform.close();
  }
}

interface SlowStack {
  readonly clock: FakeClock;
  readonly platform: LocalPlatform;
  /** Queries under way. */
  readonly waiting: (() => void)[];
}

describe('the live line', () => {
  it('shows clock, backlog and what serves while the warehouse counts, and the counts when they are there', async () => {
    await slowStack(async ({ clock, platform, waiting }) => {
      const views: LiveView[] = [];
      const show = (view: LiveView): void => void views.push(view);
      const live = startLive({
        stack: { platform, functions: new Map() },
        traffic: null,
        everyMs: EVERY_MS,
        hostClock: clock,
        log: memoryLog(),
        show,
        note: () => undefined,
      });
      const until = async (holds: () => boolean): Promise<void> => {
        while (!holds()) await clock.advance(EVERY_MS);
      };
      await until(() => views.length >= 3);
      expect(waiting).toHaveLength(1);
      expect(views.map((view) => view.counts)).toEqual(views.map(() => null));
      const times = views.map((view) => Date.parse(view.current.world_time));
      expect(times.toSorted((a, b) => a - b)).toEqual(times);
      expect(times.at(-1)).toBeGreaterThan(times[0] ?? 0);

      waiting.shift()?.();
      await until(() => views.at(-1)?.counts !== null);
      expect(views.at(-1)?.counts).toMatchObject({ decisions: { accepted: 0, distinct: 0 }, rejected: 0 });
      const counted = views.length;
      await until(() => views.length >= counted + 10);
      // What took seconds is not done again at once, and the view says how old it is.
      expect(waiting).toHaveLength(0);
      expect(views.at(-1)?.counts?.age_s).toBeGreaterThan(views.at(-2)?.counts?.age_s ?? 0);
      await live.stop();
      const shown = views.length;
      await clock.advance(10 * EVERY_MS);
      expect(views).toHaveLength(shown);
    });
  });

  it('remarks on a trial that has begun or ended between two views, and on none before', async () => {
    const directory = await temporary();
    const clock = fakeClock();
    const config = parseConfig({ AURORA_DIR: directory });
    const platform = await createEmbeddedPlatform({
      config,
      hostClock: clock,
      log: memoryLog(),
      random: () => 0.5,
      keepsWorldTime: false,
    });
    const deps = { objects: await platform.objects(), worldClock: platform.worldClock, stage: config.stage };
    const say = async (challenger: string | null, reason: string) => {
      const trial = challenger === null ? null : trialOf(challenger, platform.worldClock.now());
      await clock.advance(1);
      await changeControl(deps, { change: { kind: 'trial', trial }, by: 'promote', reason });
      return trial;
    };
    try {
      const running = await say('linear', 'it passed');
      const news = trialNews({ platform });
      expect(await news(running)).toEqual([]);
      expect(await news(running)).toEqual([]);
      expect(await news(await say(null, 'proved better: by .1'))).toEqual([
        expect.stringMatching(
          /^trial over: the fast learner \(linear\) against the rules, ended \S+Z: proved better: by .1$/,
        ),
      ]);
      const next = await say('v1', 'it passed too');
      expect(await news(next)).toEqual(['trial begun: version v1 against the rules, for it passed too']);
      await say(null, 'worse');
      expect(await news(await say('v2', 'third'))).toEqual([
        expect.stringMatching(/^trial over: version v1 .*: worse$/),
        'trial begun: version v2 against the rules, for third',
      ]);
    } finally {
      await platform.close();
    }
  });

  it('is read by people and by machines', () => {
    const view: LiveView = {
      current: {
        world_time: '2026-11-24T06:59:12.000Z',
        dead_letters: 0,
        backlog: 4,
        latest_model: { version: 'v5afc392aaaaaaaaa', verdict: 'not-enough-evidence', stage: 'apprentice' },
        champion: null,
        control: { control: defaultControl('auto'), written: false, fault: null },
        serving: serving({ mode: 'apprentice', version: 'v5afc392aaaaaaaaa' }),
        learners: [],
        damaged: [],
      },
      counts: {
        decisions: { accepted: 801, distinct: 800 },
        outcomes: { accepted: 1207, distinct: 1207 },
        fallbacks: 3,
        rejected: 0,
        age_s: 2,
      },
      traffic: { sent: 801, provisioning: 801, noCapacity: 0, failed: 0 },
      live: 181,
      perSecond: 20.2,
      probes: null,
    };
    expect(liveLine(view)).toBe(
      '2026-11-24 06:59 · decisions 800 (20/s) · live 181 · outcomes 1,207 · fallbacks 3 · backlog 4 · model v5afc392 not-enough-evidence · stage auto · rules act',
    );
    expect(
      liveLine({
        ...view,
        counts: view.counts === null ? null : { ...view.counts, rejected: 3, age_s: 42.4 },
        current: {
          ...view.current,
          latest_model: null,
          champion: { version: 'v5afc392aaaaaaaaa', promoted_at: '' },
          serving: serving({ mode: 'online', actor: 'v5afc392aaaaaaaaa', version: 'v5afc392aaaaaaaaa' }),
        },
        traffic: { sent: 9, provisioning: 6, noCapacity: 2, failed: 1 },
      }),
    ).toBe(
      '2026-11-24 06:59 · decisions 800 (20/s) · live 181 · outcomes 1,207 (counted 42 s ago) · fallbacks 3 · no capacity 2 · unanswered 1 · backlog 4 · rejected 3, dead 0 · model: none yet · stage auto · champion v5afc392 acts',
    );
    const named = { ...view.current, champion: { version: 'v2222222aaaaaaaaa', promoted_at: '' } };
    const acts = (changes: Partial<Serving>, current: LiveView['current'] = named): string | undefined =>
      liveLine({ ...view, current: { ...current, serving: serving(changes) } })
        .split(' · ')
        .at(-1);
    // Who acts is who is served, whatever the alias says.
    const [older, champion] = ['v1111111aaaaaaaaa', 'v2222222aaaaaaaaa'];
    expect(acts({ mode: 'online', actor: older, version: older, fault: 'artefact_corrupt' })).toBe(
      'champion v1111111 acts (champion v2222222 cannot act)',
    );
    expect(acts({ mode: 'apprentice', version: older, fault: 'artefact_corrupt' })).toBe(
      'rules act (champion v2222222 cannot act)',
    );
    expect(acts({ mode: 'apprentice', version: champion })).toBe('rules act');
    expect(acts({ mode: 'online', actor: champion, version: champion })).toBe('champion v2222222 acts');
    const trial = { challenger: 'linear', arm: 'linear', block: 3 };
    expect(acts({ mode: 'switchback', actor: 'linear', version: 'linear', trial })).toBe(
      'trial of linear: linear acts',
    );
    expect(acts({ mode: 'switchback', version: 'linear', trial: { ...trial, arm: 'rules' } })).toBe(
      'trial of linear: rules act',
    );
    expect(acts({ mode: 'online', actor: 'linear', version: 'linear', explores: false }, view.current)).toBe(
      'linear acts (incident, nothing is explored)',
    );
    expect(acts({ mode: 'online', actor: 'linear', version: 'linear', share: 0.25 }, view.current)).toBe(
      'linear acts (25 % of the decisions)',
    );
    expect(acts({ fault: 'linear cannot act: why' }, view.current)).toBe('rules act (not as it should be: vm status)');
    const kill = { by: 'ann', reason: 'prices', at: '2026-01-01T00:00:00.000Z' };
    const control = { control: { ...defaultControl('online'), kill }, written: true, fault: null };
    expect(liveLine({ ...view, current: { ...view.current, control } })).toMatch(
      / · stage online · KILL SWITCH PULLED, rules act$/,
    );
    expect(liveLine({ ...view, counts: null, traffic: null })).toMatch(
      / · decisions \.\.\. · live 181 · outcomes \.\.\. · /,
    );
    expect(JSON.parse(liveJson(view))).toMatchObject({
      type: 'status',
      decisions: { distinct: 800 },
      backlog: 4,
      counts_age_s: 2,
    });
    expect(JSON.parse(liveJson({ ...view, counts: null }))).toMatchObject({
      decisions: null,
      world_time: view.current.world_time,
    });
  });

  it('tells how many probes pass, and which do not, of runs since this stack began', async () => {
    await slowStack(async ({ clock, platform, waiting }) => {
      const views: LiveView[] = [];
      const objects = await platform.objects();
      const ran = (failed: readonly string[]): Promise<unknown> => {
        const results = ['a', 'b', 'c', 'd', 'e'].map((id) => ({
          ...EVENT_SAMPLES['probe-result'],
          check_id: id,
          status: failed.includes(id) ? ('fail' as const) : ('pass' as const),
        }));
        const at = { started_at: rfc3339(clock.now()), duration_ms: 5, run_id: 'r' };
        const report: RunReport = { suite: 'local', ...at, verdict: 'failed', results };
        return objects.write(latestRunOf('local'), jsonBytes(report), {});
      };
      await ran(['a']);
      await clock.advance(1);
      const live = startLive({
        stack: { platform, functions: new Map() },
        traffic: null,
        everyMs: EVERY_MS,
        hostClock: clock,
        log: memoryLog(),
        show: (view) => void views.push(view),
        note: () => undefined,
      });
      /** A view that began from now on: one may be under way. */
      const next = async (): Promise<LiveView> => {
        for (const before = views.length; views.length < before + 2; ) await clock.advance(EVERY_MS);
        return views.at(-1) as LiveView;
      };
      const said = (view: LiveView): string | undefined => liveLine(view).split(' · ').at(-1);
      // What a stack before this one has found out is no news.
      const first = await next();
      expect([first.probes, said(first)]).toEqual([null, 'rules act']);
      await ran([]);
      expect(said(await next())).toBe('probes 5/5 pass');
      await objects.write(latestRunOf('local'), new TextEncoder().encode('{"half'), {});
      expect(said(await next())).toBe('rules act');
      await ran(['a', 'b', 'd', 'e']);
      const bad = await next();
      expect(said(bad)).toBe('probes 1/5 pass, not a, b, d and 1 more');
      expect(JSON.parse(liveJson(bad)).probes).toEqual({
        verdict: 'failed',
        results: { a: 'fail', b: 'fail', c: 'pass', d: 'fail', e: 'fail' },
      });
      waiting.shift()?.();
      await live.stop();
    });
  });

  it('is rewritten in place on a terminal, remarks above it; anywhere else every line stays', () => {
    const shown = (isTTY: boolean): string => {
      const out: string[] = [];
      const screen = screenOf({ isTTY, columns: 12, write: (text) => out.push(text) });
      screen.show('a line of more than twelve');
      screen.note('remark');
      screen.show('next');
      screen.settle();
      screen.note('end');
      return out.join('');
    };
    expect(shown(true)).toBe('\r\u001b[2Ka line of m\r\u001b[2Kremark\na line of m\r\u001b[2Knext\nend\n');
    expect(shown(false)).toBe('a line of more than twelve\nremark\nnext\nend\n');
  });
});

describe('the welcome', () => {
  const startMs = Date.UTC(2026, 0, 1);
  const view = {
    directory: './state',
    frontDoor: 'http://127.0.0.1:8080',
    operationsPort: 8090,
    functions: [{ name: 'route', url: 'http://127.0.0.1:8081' }],
    marketplaces: [{ name: 'vast', url: 'http://127.0.0.1:8091', simulated: true }],
    market: { spec: loadMarketSpec('default'), seed: 3, startMs },
    scenario: null,
    speed: 600,
    perSecond: 20,
    cluster: null,
    nowMs: startMs,
  };

  it('says where everything is, and what runs', () => {
    const text = welcome(view);
    expect(text).toContain('Market default, seed 3; 20 requests/s; world time runs 600 times as fast\n\nFUNCTION');
    expect(text).toContain('npx vm status --dir ./state;');
    expect(text).toContain('npx vm trials --dir ./state ');
    expect(text).not.toContain('Scenario');
    expect(welcome({ ...view, directory: '.aurora' })).toContain('npx vm status;');
  });

  it('says where the simulated cluster is, and how kubectl gets there', () => {
    const cluster = {
      apiTlsUrl: 'https://127.0.0.1:8095',
      ingressUrl: 'http://127.0.0.1:8099',
      faultsUrl: 'http://127.0.0.1:8101',
      kubeconfig: 'state/kubeconfig',
    };
    const text = welcome({ ...view, cluster });
    expect(text).toMatch(
      /^cluster +https:\/\/127\.0\.0\.1:8095 +simulated, for kubectl: --kubeconfig state\/kubeconfig$/m,
    );
    expect(text).toMatch(/^faults +http:\/\/127\.0\.0\.1:8101 +/m);
    expect(JSON.parse(welcomeJson({ ...view, cluster })).cluster).toEqual(cluster);
    expect(welcome(view)).not.toContain('kubectl');
  });

  it('says when the scenario happens, or that it is over', () => {
    const storm = { ...view, scenario: loadScenarioSpec('storm') };
    const line = 'Scenario storm: 6 events from 2026-01-02 00:00 to 2026-01-13 22:00 world time';
    expect(welcome(storm)).toContain(`${line}\n`);
    expect(welcome({ ...storm, nowMs: Date.UTC(2026, 1, 1) })).toContain(`${line}; all over, `);
    expect(JSON.parse(welcomeJson(storm))).toMatchObject({ type: 'up', market: 'default', scenario: 'storm' });
  });
});
