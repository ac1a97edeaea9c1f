/** The simulated marketplaces of a running stack, over the doors that they have for tests. */
import { z } from 'zod';

const logged = z.object({ operation: z.string(), status: z.int().nullable(), fault: z.string().nullable() });
const bill = z.object({ native_id: z.string(), label: z.string(), usd: z.number(), ended_ms: z.number().nullable() });
export type Bill = z.infer<typeof bill>;

export interface FakeDoors {
  readonly name: string;
  misbehave(rules: readonly Readonly<Record<string, unknown>>[]): Promise<void>;
  log(): Promise<readonly z.infer<typeof logged>[]>;
  bills(): Promise<readonly Bill[]>;
}

export function doorsOf({ name, url }: { readonly name: string; readonly url: string }): FakeDoors {
  const ask = async (path: string, init?: RequestInit): Promise<unknown> => {
    const answer = await fetch(`${url}/_fake/${path}`, init);
    if (!answer.ok) throw new Error(`${name} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  };
  return {
    name,
    misbehave: async (rules) => {
      await ask('faults', { method: 'PUT', body: JSON.stringify(rules) });
    },
    log: async () => z.array(logged).parse(await ask('log')),
    bills: async () => z.array(bill).parse(await ask('bills')),
  };
}
