/** A process that deploys five runs into the store of its first argument and is killed without a word. */
import { createMarket } from '#sim/market/market.ts';
import { sqliteStore } from '#sim/market/store.ts';
import { order, START_MS, smallSpec } from './small-market.ts';

const store = sqliteStore(process.argv[2] ?? '');
const market = createMarket({ spec: smallSpec(), seed: 1, deviation: 1, store });
for (let index = 0; index < 5; index++) market.deploy(order(`run ${index}`, START_MS));
process.kill(process.pid, 'SIGKILL');
