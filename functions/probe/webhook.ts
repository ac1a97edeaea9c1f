/** Tells a person, by whatever takes JSON over HTTP. */
import type { AlertTransition } from '#shared/domain/probe.ts';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { createHttpClient } from '#shared/runtime/http-client.ts';

export type WebhookFormat = 'generic' | 'slack';

export interface Webhook {
  /** @throws TransientError upstream_unavailable: it did not take it */
  tell(transition: AlertTransition, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const DEADLINE_MS = 5_000;

/** @param url a secret: many carry their key in it */
export function createWebhook(options: {
  readonly url: string;
  readonly format: WebhookFormat;
  readonly hostClock: HostClock;
}): Webhook {
  const { url, format, hostClock } = options;
  const client = createHttpClient({ hostClock });
  return {
    async tell(transition, signal) {
      const refused = (why: string): TransientError =>
        new TransientError(
          'upstream_unavailable',
          `the webhook of alerts did not take ${transition.dedupe_key}: ${why}`,
        );
      const answer = await client
        .postJson(url, bodyOf(transition, format), { deadlineMs: DEADLINE_MS, signal })
        // Whose message may hold the address.
        .catch((error: unknown) => {
          throw refused(error instanceof TransientError ? error.code : (error as Error).name);
        });
      if (answer.status < 200 || answer.status > 299) throw refused(`HTTP ${answer.status}`);
    },
    close: () => client.close(),
  };
}

/** Slack's incoming webhooks take `text`; the generic body is the transition itself. */
export function bodyOf(transition: AlertTransition, format: WebhookFormat): unknown {
  if (format === 'generic') return transition;
  const { state, severity, suite, summary, remedy, firing_since: since } = transition;
  const head = state === 'firing' ? `:rotating_light: ${severity}` : ':white_check_mark: resolved';
  return { text: escaped(`${head} · ${suite} · ${summary}${remedy === null ? '' : `\n${remedy}`}\nsince ${since}`) };
}

/** https://api.slack.com/reference/surfaces/formatting#escaping */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
