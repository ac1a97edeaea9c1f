import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { encode, inputWidth } from '#shared/learning/encoding.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import { type BenchCase, figure } from '../bench-case.ts';
import { startSubject } from '../children/subject.ts';
import { CANDIDATES, SCORE_REQUESTS } from '../fixtures/market.ts';
import { publishWorld, type World } from '../fixtures/world.ts';
import { alternate } from '../rounds.ts';
import type { CallTimes } from '../time-calls.ts';

const AIM_P99_US = 200;

export const scoring: BenchCase = {
  name: 'scoring',
  title: 'Scoring 8 candidates, in process',
  async run({ quick, directory, hostClock, world }) {
    const made = await world();
    await publishWorld(directory, made, hostClock);
    await writeTfjsFiles(directory, made);
    const [rounds, calls, peerCalls] = quick ? [1, 200, 20] : [7, 20_000, 2_000];
    const own = startSubject<CallTimes>(new URL('../children/scoring.ts', import.meta.url), [directory, `${calls}`]);
    const peers = (['wasm', 'cpu'] as const).map((backend) =>
      startSubject<CallTimes>(new URL('../children/tfjs-predict.ts', import.meta.url), [
        directory,
        `${peerCalls}`,
        backend,
      ]),
    );
    const [wasm, cpu] = peers as [(typeof peers)[number], (typeof peers)[number]];
    try {
      const { p50Us: candidates } = await own.measure('candidates');
      if (candidates !== CANDIDATES) throw new Error(`expected ${CANDIDATES} candidates, got ${candidates}`);
      const times = await alternate(rounds, {
        decide: () => own.measure('decide'),
        forward: () => own.measure('forward'),
        rules: () => own.measure('rules'),
        wasm: () => wasm.measure('predict'),
        cpu: () => cpu.measure('predict'),
      });
      const of = (name: keyof typeof times, part: keyof CallTimes): number[] => times[name].map((time) => time[part]);
      const line = (
        name: string,
        subject: keyof typeof times,
        part: keyof CallTimes,
        against: keyof typeof times,
        what: string,
        aim?: number,
      ) =>
        figure({
          name,
          unit: 'µs',
          better: 'lower',
          values: of(subject, part),
          baseline: { name: what, values: of(against, part) },
          ...(aim === undefined ? {} : { aim }),
        });
      return {
        figures: [
          line('decide with the model, p50', 'decide', 'p50Us', 'forward', 'floor: forward pass alone'),
          line('decide with the model, p99', 'decide', 'p99Us', 'forward', 'floor: forward pass alone', AIM_P99_US),
          line('forward pass alone, p50', 'forward', 'p50Us', 'wasm', 'peer: tfjs predict, wasm'),
          line('forward pass alone, p50', 'forward', 'p50Us', 'cpu', 'peer: tfjs predict, cpu'),
          line('decide by the rules alone, p50', 'rules', 'p50Us', 'decide', 'with the model'),
        ],
        facts: [
          `decide = eligibility, features, forward pass, posterior, utility and Thompson distribution over ${made.offers.length} offers, ${CANDIDATES} of them eligible; network ${inputWidth(made.model.manifest.encoding)}-${made.model.manifest.hidden.join('-')}-5, ${SCORE_REQUESTS.length} different requests in turn`,
          `${calls} calls a round (${peerCalls} of tfjs), each timed, after as many that are not; tfjs predicts ready-made dense rows of the same weights`,
        ],
      };
    } finally {
      await Promise.all([own, ...peers].map((subject) => subject.stop()));
    }
  },
};

async function writeTfjsFiles(directory: string, { model, offers }: World): Promise<void> {
  const [request] = SCORE_REQUESTS;
  if (request === undefined) throw new Error('there are no requests');
  const { encoding, created_at } = model.manifest;
  const workload = canonicalWorkloadOf(request);
  const { eligible } = eligibleOffers(workload, offers);
  const width = inputWidth(encoding);
  const inputs = new Float32Array(eligible.length * width);
  for (const [i, offer] of eligible.entries())
    encode(encoding, candidateFeatures(workload, offer, Date.parse(created_at)), inputs, i * width);
  await writeFile(join(directory, 'inputs.bin'), new Uint8Array(inputs.buffer));
  for (const [name, bytes] of Object.entries(model.files)) await writeFile(join(directory, name), bytes);
}
