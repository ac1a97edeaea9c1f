/**
 * A process that holds a warehouse. `append FILE ROUND`: appends batches of BATCH decisions without end and prints the
 * number of each once it is acknowledged. `hold FILE`: opens it and prints `open`. `try FILE`: prints `open` or the code of
 * the error. `stamp FILE`: appends one decision and prints the stamps that come back. `fill FILE`: appends rows that do not
 * compress until three appends failed; prints the codes, then `{appended, counted}` with what a query counts at that point.
 */
import { randomBytes } from 'node:crypto';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { AuroraError } from '#shared/errors.ts';
import { decisionById } from '#shared/queries/decisions.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { trainingWatermark } from '#shared/queries/training.ts';
import { decisionPayload, outcomePayload, rejectedPayload, rowOf } from './warehouse-rows.ts';

export const BATCH = 40;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main(task: string, file: string, round: string): Promise<void> {
  const warehouse = await createDuckdbWarehouse({ file });
  switch (task) {
    case 'append':
      for (let batch = 0; ; batch += 1) {
        const ids = Array.from({ length: BATCH }, (_, index) => `${round}-${batch}-${index}`);
        await warehouse.append(
          'routing_decisions',
          ids.map((id) => rowOf('routing-decision', decisionPayload(id))),
        );
        print(`${batch}`);
      }
    case 'hold':
      print('open');
      // Keeps the process until it is killed.
      setInterval(() => undefined, 60_000);
      return;
    case 'try':
      print('open');
      return await warehouse.close();
    case 'stamp': {
      await warehouse.append('routing_decisions', [rowOf('routing-decision', decisionPayload('d1'))]);
      await warehouse.append('routing_outcomes', [rowOf('routing-outcome', outcomePayload('d1'))]);
      const [decision] = await warehouse.query(decisionById, { decision_id: 'd1' });
      const [stamp] = await warehouse.query(trainingWatermark, {});
      print(`${decision?.decided_at} ${stamp?.watermark}`);
      return await warehouse.close();
    }
    case 'fill': {
      const codes: string[] = [];
      let appended = 0;
      for (let batch = 0; codes.length < 3; batch += 1) {
        const rows = Array.from({ length: BATCH }, (_, index) =>
          rowOf(
            'event-rejected',
            rejectedPayload(randomBytes(8_000).toString('latin1'), { message_id: `${batch}-${index}` }),
          ),
        );
        try {
          await warehouse.append('rejected_events', rows);
          appended += rows.length;
        } catch (error) {
          if (!(error instanceof AuroraError)) throw error;
          codes.push(error.code);
        }
      }
      const [counts] = await warehouse.query(loopCounts, {});
      print(JSON.stringify({ codes, appended, counted: counts?.rejected }));
      return await warehouse.close();
    }
    default:
      throw new Error(`unknown task ${task}`);
  }
}

if (import.meta.main) {
  const [task = '', file = '', round = ''] = process.argv.slice(2);
  await main(task, file, round).catch((error: unknown) => {
    if (!(error instanceof AuroraError)) throw error;
    print(error.code);
  });
}
