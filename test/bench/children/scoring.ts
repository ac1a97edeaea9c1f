/** Scores eight candidates in process as `score` does, from the artefacts that it would load. Arguments: directory, calls. */
import { join } from 'node:path';
import type { Company } from '#functions/score/company.ts';
import { decideScores } from '#functions/score/decide.ts';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { defaultControl } from '#shared/domain/control.ts';
import { canonicalWorkloadOf, type Workload } from '#shared/domain/request.ts';
import { posteriorObject } from '#shared/learning/fast/learned-objects.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { createNetwork, type WordSums } from '#shared/learning/network.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { eligibleOffers, indexOffers } from '#shared/rules/eligibility.ts';
import { OFFERS_OBJECT, parseOffersSnapshot } from '#shared/serving/offers.ts';
import { aCompany, readyPosteriorIn } from '#test/support/learned.ts';
import { SCORE_REQUESTS } from '../fixtures/market.ts';
import { timeCalls } from '../time-calls.ts';
import { answerRounds } from './subject.ts';

const [, , directory = '', calls = '0'] = process.argv;
const nowMs = performance.timeOrigin;
const objects = await createFilesystemObjects({ directory: join(directory, 'objects') });
const registry = createRegistry({ objects, worldClock: { now: () => nowMs, speed: 1 } });
const version = (await registry.aliasHead('champion'))?.version ?? '';
const { manifest, files } = await registry.loadArtefact(version);
const stored = await objects.read(OFFERS_OBJECT);
const posterior = await objects.read(posteriorObject(version));
await objects.close();
if (stored === null || posterior === null) throw new Error(`${directory} holds no offers or no posterior`);

const snapshot = parseOffersSnapshot(stored.bytes);
const offers = { snapshot, index: indexOffers(snapshot), observedAtMs: Date.parse(snapshot.observed_at) };
const workloads = SCORE_REQUESTS.map(canonicalWorkloadOf);
const network = createNetwork(manifest, files['weights.bin']);
const wordSums: WordSums = new WeakMap();
const posteriors = [readyPosteriorIn(posterior.bytes)];
const acting = aCompany({ champion: version, networks: [{ manifest, files }], posteriors });
// One batch: those of all requests would not fit the cache in which decide finds the features it has just made.
const [first] = workloads as [Workload];
const batch = eligibleOffers(first, offers.index).eligible.map((offer) => candidateFeatures(first, offer, nowMs));
const decide = (company: Company) =>
  workloads.map((workload) => ({
    workload,
    decisionId: 'bench',
    offers,
    generation: '1',
    control: defaultControl('auto'),
    company,
    staleLimitMs: Number.POSITIVE_INFINITY,
    nowMs,
    includeFeatures: false,
  }));
const withModel = decide(acting);
const byRules = decide(aCompany());
let kept: unknown;

answerRounds((subject) => {
  const at = (index: number): number => index % workloads.length;
  switch (subject) {
    case 'decide':
      return timeCalls(Number(calls), (i) => (kept = decideScores(withModel[at(i)] as (typeof withModel)[number])));
    case 'rules':
      return timeCalls(Number(calls), (i) => (kept = decideScores(byRules[at(i)] as (typeof byRules)[number])));
    case 'forward':
      return timeCalls(Number(calls), () => (kept = network.forward(batch, wordSums)));
    case 'candidates':
      return { p50Us: batch.length, p99Us: 0 };
    default:
      throw new Error(`no subject ${subject}; last was ${String(kept)}`);
  }
});
