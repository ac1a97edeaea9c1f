/**
 * The war game's world drives the real process over stdin and stdout, as a stranger's simulator would: a route line for each
 * decision, an outcome line when a run became ready and when it ended.
 */
import type { Lesson } from '#cli/wargame/attempt.ts';
import { oraclePolicy } from '#cli/wargame/policies/oracle.ts';
import type { PolicyOf } from '#cli/wargame/policies/policy.ts';
import { rulesPolicy } from '#cli/wargame/policies/rules.ts';
import { playWorld, type WorldOptions } from '#cli/wargame/world.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Workload } from '#shared/domain/request.ts';
import { latencyOf } from '#shared/rules/imputed.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { type AgentProcess, startAgent } from './agent-process.ts';
import { type FiguresByPolicy, figuresByPolicy, type OnShare } from './play.ts';

export interface StdioJob {
  readonly kind: 'stdio';
  readonly market: string;
  readonly seed: number;
  readonly decisions: number;
  /** Decisions of each of two shorter runs, whose answers are compared byte by byte. */
  readonly repeated: number;
}

export interface StdioResult {
  /** `agent`: the process; with rules and oracle. */
  readonly figures: FiguresByPolicy;
  /** Of the whole run, the world that drives it included. */
  readonly wall_s: number;
  /** sha256 of the answers of the two shorter runs. */
  readonly answers: readonly string[];
}

/** Of the whole, the rules and the oracle. */
const ENDS_SHARE = 0.05;

export async function runStdio(job: StdioJob, onShare: OnShare): Promise<StdioResult> {
  const { market, seed, decisions, repeated } = job;
  const world: WorldOptions = {
    spec: loadMarketSpec(market),
    seed,
    deviation: 1,
    scenario: null,
    decisions,
    slowFeedback: 1,
  };
  const whole = decisions + 2 * repeated;
  const rules = await playWorld(world, rulesPolicy);
  const oracle = await playWorld(world, oraclePolicy);
  const shareFrom = (before: number) => (done: number) =>
    onShare(ENDS_SHARE + ((1 - ENDS_SHARE) * (before + done)) / whole);
  const sinceMs = performance.now();
  const { play: agent } = await playAgent(world, shareFrom(0));
  const wall_s = (performance.now() - sinceMs) / 1000;
  const once = await playAgent({ ...world, decisions: repeated }, shareFrom(decisions));
  const again = await playAgent({ ...world, decisions: repeated }, shareFrom(decisions + repeated));
  return {
    figures: figuresByPolicy(new Map(Object.entries({ rules, oracle, agent })), world),
    wall_s,
    answers: [once.answers, again.answers],
  };
}

async function playAgent(world: WorldOptions, onTurn: (done: number) => void) {
  const agent = startAgent(['--seed', `${world.seed}`]);
  const play = await playWorld(world, policyOver(agent), onTurn);
  return { play, answers: await agent.end() };
}

/** The process decides and draws itself: its choice gets all of the probability. */
function policyOver(agent: AgentProcess): PolicyOf {
  const decisionIds = new Map<string, string>();
  const tell = (key: string, atMs: number, facts: object): void =>
    agent.tell({ type: 'outcome', at: rfc3339(atMs), decision_id: decisionIds.get(key), ...facts });
  return () => ({
    async distribution({ key, workload, offers, nowMs }) {
      const answer = await agent.ask({
        type: 'route',
        at: rfc3339(nowMs),
        request: requestOf(workload, key),
        offers: offers.map(({ observed_at, latency_source, reputation_source, ...offer }) => offer),
      });
      if (answer['type'] !== 'decision') throw new Error(`expected a decision, got ${JSON.stringify(answer)}`);
      decisionIds.set(key, String(answer['decision_id']));
      return offers.map(({ offer_id }) => (offer_id === answer['offer_id'] ? 1 : 0));
    },
    ready: (lesson) => tell(lesson.key, lesson.atMs, { status: 'ready', ...readyFacts(lesson) }),
    final(lesson) {
      tell(lesson.key, lesson.atMs, { ...endFacts(lesson), ...readyFacts(lesson) });
      decisionIds.delete(lesson.key);
    },
    drop(key, atMs) {
      tell(key, atMs, { status: 'failed_to_start', blame: 'tenant' });
      decisionIds.delete(key);
    },
  });
}

const requestOf = (workload: Workload, requestId: string): object => ({
  request_id: requestId,
  ...Object.fromEntries(Object.entries(workload).filter(([, value]) => value !== null)),
});

const readyFacts = ({ logReadyMs, logLatencyRatio, offer }: Lesson): object => ({
  ...(logReadyMs === null ? {} : { ready_ms: Math.exp(logReadyMs) }),
  ...(logLatencyRatio === null ? {} : { latency_ms: latencyOf(offer) * Math.exp(logLatencyRatio) }),
});

function endFacts({ end }: Lesson): object {
  if (end === null) return { status: 'failed_to_start' };
  const { state, blame, exposure_hours, useful_gpu_hours, billed_gpu_hours, cost_usd } = end;
  return {
    status: state,
    blame,
    exposure_hours,
    useful_gpu_hours,
    billed_gpu_hours,
    ...(useful_gpu_hours > 0 ? { effective_usd_per_gpu_hour: cost_usd / useful_gpu_hours } : {}),
  };
}
