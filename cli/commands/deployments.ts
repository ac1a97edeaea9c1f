/** What runs: `vm deployments`, `vm logs`, `vm terminate`. */
import { canonicalProvider } from '#shared/domain/aliases.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { withDoor } from '../door/door.ts';
import { withAccess } from '../ops/access.ts';
import { listDeployments } from '../ops/deployments.ts';
import { table } from '../table.ts';
import { countOption, textOption } from './options.ts';

const url = { url: { type: 'string' } } as const;
const urlHelp = { url: 'the door to ask (default AURORA_URL, else the stack that runs here)' };

const list: Command = {
  name: 'deployments',
  summary: 'what runs now, for whom and where',
  usage: '[options]',
  options: {
    tenant: { type: 'string' },
    provider: { type: 'string' },
    limit: { type: 'string', default: '50' },
    after: { type: 'string', default: '' },
  },
  help: {
    tenant: 'only those of this tenant',
    provider: 'only those at this provider, e.g. vast',
    limit: 'at most this many (default 50, up to 1000)',
    after: 'go on after this id',
  },
  takes: { tenant: 'ID', limit: 'N', after: 'ID' },
  examples: ['vm deployments', 'vm deployments --provider vast --limit 500 --json'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, note, values }) => {
    const provider = textOption(values, 'provider');
    const page = await withAccess(directory, 'deployments', (access) =>
      access.call(listDeployments, {
        tenant_id: textOption(values, 'tenant'),
        provider: provider === null ? null : canonicalProvider(provider),
        limit: countOption(values, 'limit', 1_000),
        after: String(values['after'] ?? ''),
      }),
    );
    if (json) print(JSON.stringify(page));
    else if (page.deployments.length === 0) print('nothing runs');
    else
      print(
        table(
          page.deployments.map((one) => [
            one.deployment_id,
            one.tenant_id,
            one.status,
            one.offer_id,
            one.attempt === 0 ? '' : `fallback ${one.attempt}`,
            `${one.gpu_count} x ${one.gpu_type}`,
            one.gpu_hours,
            one.usd_per_hour === null ? '-' : one.usd_per_hour.toFixed(4),
            one.latency_ms === null ? '-' : Math.round(one.latency_ms),
            one.ready_at ?? '-',
          ]),
          ['ID', 'TENANT', 'STATUS', 'OFFER', '', 'GPUS', 'GPU-H', 'USD/H', 'MS', 'READY AT'],
        ),
      );
    if (!json && page.next !== null) note(`more: vm deployments --after ${page.next}`);
    return EXIT.ok;
  },
};

const logs: Command = {
  name: 'logs',
  summary: 'what a deployment has written, as it comes',
  usage: 'ID [options]',
  options: url,
  help: urlHelp,
  examples: ['vm logs 310e372c058bc410b5ea8e07dd47d779'],
  positionals: { min: 1, max: 1 },
  run: async ({ directory, print, json, positionals, values }) => {
    const path = `/deployments/${encodeURIComponent(positionals[0] ?? '')}/logs`;
    await withDoor({ directory, url: textOption(values, 'url') }, async (door) => {
      if (json) {
        let whole = '';
        for await (const text of door.stream(path)) whole = (whole + text).slice(-MAX_JSON_TEXT);
        print(JSON.stringify({ deployment_id: positionals[0], text: whole }));
      } else for await (const text of door.stream(path)) process.stdout.write(text);
    });
    return EXIT.ok;
  },
};

/** Of --json, which cannot begin before the end is there: the newest four million characters. */
const MAX_JSON_TEXT = 4_000_000;

const terminate: Command = {
  name: 'terminate',
  summary: 'end a deployment, whatever state it is in',
  usage: 'ID [options]',
  options: url,
  help: urlHelp,
  notes: ['It is durable when the command returns; the provider may take a minute. Asking again changes nothing.'],
  examples: ['vm terminate 310e372c058bc410b5ea8e07dd47d779'],
  positionals: { min: 1, max: 1 },
  run: async ({ directory, json, print, positionals, values }) => {
    const id = positionals[0] ?? '';
    const answer = await withDoor({ directory, url: textOption(values, 'url') }, (door) =>
      door.call<{ readonly status: string }>({
        method: 'DELETE',
        path: `/deployments/${encodeURIComponent(id)}`,
        accepted: [200, 202],
      }),
    );
    print(json ? JSON.stringify(answer) : `${id}: ${answer.status}`);
    return EXIT.ok;
  },
};

export const deploymentCommands: readonly Command[] = [list, logs, terminate];
