/** Switches of the simulated cluster for other processes: `PUT /_fake/faults` takes names of faults, `GET` tells the table and what is on. */
import { createServer } from 'node:http';
import { z } from 'zod';
import { bodyOrCut, cutter, jsonOf, listen, originOf, shut } from '../loopback.ts';
import { FAULT_NAMES, FAULTS } from './faults/catalogue.ts';
import type { FaultSwitches } from './faults/switches.ts';
import { json, type RunningService, type ServiceReply } from './services/service.ts';

const names = z.array(z.string().max(64)).max(FAULT_NAMES.length);

/** @throws RejectedError port_unavailable */
export async function startTestDoor(faults: FaultSwitches, port: number): Promise<RunningService> {
  const server = createServer(async (incoming, response) => {
    const text = await bodyOrCut(incoming);
    if (text === null) return;
    const { status, body } = answer(faults, incoming.method ?? '', incoming.url ?? '', text);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  const cut = cutter(server);
  await listen(server, port);
  return {
    url: originOf(server),
    close() {
      cut();
      return shut(server);
    },
  };
}

function answer(faults: FaultSwitches, method: string, url: string, text: string): ServiceReply {
  if (url !== '/_fake/faults') return json({ error: 'not_found' }, 404);
  if (method === 'GET') return json({ active: faults.active(), faults: FAULTS });
  if (method !== 'PUT') return json({ error: 'method_not_allowed' }, 405);
  const asked = names.safeParse(jsonOf(text));
  if (!asked.success) return json({ error: 'expected a JSON list of names of faults, such as ["psi_down"]' }, 400);
  try {
    faults.set(asked.data);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return json({ error: error.message }, 400);
  }
  return json({ active: faults.active() });
}
