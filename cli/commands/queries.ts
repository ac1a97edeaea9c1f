import { readConfig } from '#shared/config.ts';
import { BIGQUERY_USD_PER_TIB } from '#shared/defaults.ts';
import { CATALOGUE } from '#shared/queries/catalogue.ts';
import { type Command, EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { estimateQueries } from '../ops/queries.ts';
import { bytesText, type EstimatedQuery } from '../queries/estimates.ts';
import { table } from '../table.ts';
import { numberOption } from './options.ts';

export const queriesCommand: Command = {
  name: 'queries',
  summary: 'the named queries: what each is for, what it would read and cost on BigQuery before it runs',
  usage: '[options]',
  options: { 'usd-per-tib': { type: 'string', default: String(BIGQUERY_USD_PER_TIB) } },
  help: {
    'usd-per-tib': `price of a TiB read, USD (default ${BIGQUERY_USD_PER_TIB}: on demand in US and EU, list price of November 2026)`,
  },
  takes: { 'usd-per-tib': 'USD' },
  notes: [
    'With AURORA_PLATFORM=gcp BigQuery is asked by dry runs, which are free, as whoever is logged in (gcloud auth',
    'application-default login). "at most" of clustered tables: blocks that a filter rules out are known only when it runs. What is',
    'billed is rounded up to a MiB, 10 MiB for each table at least; the first TiB of a month, which is free, is not taken off.',
    'Ends with 1 when a query would be refused: it reads more than AURORA_MAX_BYTES_BILLED, or BigQuery does not take it.',
    'On one machine nothing is billed, and they are only listed.',
  ],
  examples: ['vm queries', 'vm queries --usd-per-tib 7.5 --json'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, values }) => {
    const usdPerTib = numberOption(values, 'usd-per-tib', { min: 0, max: 1_000 });
    const { google } = readConfig();
    if (google === null) {
      const queries = CATALOGUE.map(({ name, purpose }) => ({ name, purpose }));
      if (json) print(JSON.stringify({ platform: 'embedded', queries }));
      else
        print(
          `${table(
            queries.map(({ name, purpose }) => [name, purpose]),
            ['QUERY', 'FOR'],
          )}\n\nOn one machine nothing is billed by what it reads. AURORA_PLATFORM=gcp asks BigQuery.`,
        );
      return EXIT.ok;
    }
    const queries = await withAccess(directory, 'queries', (access) =>
      access.call(estimateQueries, { usd_per_tib: usdPerTib }),
    );
    if (json)
      print(
        JSON.stringify({ platform: 'gcp', usd_per_tib: usdPerTib, max_bytes_billed: google.maxBytesBilled, queries }),
      );
    else print(textOf(queries, usdPerTib));
    return queries.some(({ refused }) => refused !== null) ? EXIT.partial : EXIT.ok;
  },
};

function textOf(queries: readonly EstimatedQuery[], usdPerTib: number): string {
  const rows = queries.map(({ name, purpose, bytes, accuracy, usd, refused }) => [
    name,
    bytes === null ? '-' : `${accuracy === 'precise' || bytes === 0 ? '' : `${accuracy} `}${bytesText(bytes)}`,
    usd === null ? '-' : usd.toFixed(usd < 1 ? 6 : 2),
    refused === null ? purpose : `${purpose}; REFUSED: ${refused}`,
  ]);
  return `${table(rows, ['QUERY', 'READS', 'USD A RUN', 'FOR'])}\n\nAt ${usdPerTib} USD a TiB read.`;
}
