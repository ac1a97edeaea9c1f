/** What is sold and by whom: `vm offers`, `vm providers`. */
import { canonicalProvider } from '#shared/domain/aliases.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { listOffers, listProviders, type ProvidersNow } from '../ops/market.ts';
import { table } from '../table.ts';
import { countOption, textOption } from './options.ts';

const rounded = (value: number | null, digits: number): string => (value === null ? '-' : value.toFixed(digits));

const offers: Command = {
  name: 'offers',
  summary: 'what the providers offer now, cheapest first',
  usage: '[options]',
  options: {
    gpu: { type: 'string' },
    region: { type: 'string' },
    provider: { type: 'string' },
    limit: { type: 'string', default: '50' },
  },
  help: {
    gpu: 'only this GPU type, as anyone writes it: a100, "RTX 4090", 4090',
    region: 'only what serves this region, e.g. us-west',
    provider: 'only this provider, e.g. vast',
    limit: 'at most this many (default 50, up to 1000)',
  },
  takes: { gpu: 'TYPE', limit: 'N' },
  examples: ['vm offers --gpu a100', 'vm offers --gpu 4090 --region us-west --limit 10', 'vm offers --json'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, note, values }) => {
    const given = textOption(values, 'provider');
    const now = await withAccess(directory, 'offers', (access) =>
      access.call(listOffers, {
        gpu_type: textOption(values, 'gpu'),
        region: textOption(values, 'region'),
        provider: given === null ? null : canonicalProvider(given),
        limit: countOption(values, 'limit', 1_000),
      }),
    );
    if (json) print(JSON.stringify(now));
    else if (now.offers.length === 0) print('nobody offers that now');
    else
      print(
        table(
          now.offers.map((offer) => [
            offer.offer_id,
            offer.gpu_type,
            offer.gpu_count,
            offer.region,
            rounded(offer.usd_per_gpu_hour, 4),
            rounded(offer.latency_ms, 0),
            rounded(offer.reputation, 1),
            rounded(offer.capacity_gpu_hours, 0),
            offer.active ? '' : 'inactive',
          ]),
          ['OFFER', 'GPU', 'COUNT', 'REGION', 'USD/GPU-H', 'LATENCY MS', 'REPUTATION', 'GPU-H FREE', ''],
          4,
        ),
      );
    if (!json) note(`${now.offers.length} of ${now.total} offers, as of ${now.observed_at} of world time`);
    return EXIT.ok;
  },
};

const providers: Command = {
  name: 'providers',
  summary: 'how the providers do: health, prices, capacity, queues',
  usage: '[options]',
  options: {},
  help: {},
  examples: ['vm providers', 'vm providers --json'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, note }) => {
    const now = await withAccess(directory, 'providers', (access) => access.call(listProviders, {}));
    if (json) {
      print(JSON.stringify(now));
      return EXIT.ok;
    }
    print(
      table(
        now.providers.map((report) => [
          report.provider,
          report.health,
          report.offers,
          rounded(cheapest(report), 4),
          rounded(report.capacity_gpu_hours, 0),
          rounded(report.latency_ms, 0),
          rounded(report.answered_ms, 0),
          rounded(report.deployer === null ? null : report.deployer.waited_ms / 1_000, 1),
          whyNot(report),
        ]),
        ['PROVIDER', 'HEALTH', 'OFFERS', 'USD FROM', 'GPU-H FREE', 'LATENCY MS', 'API MS', 'QUEUE S', 'REMARK'],
      ),
    );
    note(`as of ${now.observed_at} of world time`);
    return EXIT.ok;
  },
};

type Report = ProvidersNow['providers'][number];

function cheapest({ usd_per_gpu_hour: byGpu }: Report): number | null {
  const found = Object.values(byGpu).map(({ min }) => min);
  return found.length === 0 ? null : Math.min(...found);
}

function whyNot({ error, deployer }: Report): string {
  if (deployer?.refusing != null) return `refuses us: ${deployer.refusing.code}`;
  if (deployer !== null && deployer.breaker !== 'closed') return `breaker ${deployer.breaker.replace('_', ' ')}`;
  return error === null ? '' : `${error.code}: ${error.message.slice(0, 60)}`;
}

export const marketCommands: readonly Command[] = [offers, providers];
