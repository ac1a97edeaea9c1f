import { EVENTS } from '#shared/domain/events/catalogue.ts';
import type { CounterChild, Metrics } from '#shared/telemetry/metrics.ts';

type EventResult = 'handled' | 'rejected' | 'retried' | 'failed';

/** `aurora_events_total{function,type,result}`: a type that is not ours counts as `unknown`, so that no sender can add labels. */
export function createEventMetrics(metrics: Metrics, functionName: string) {
  const events = metrics.counter({
    name: 'aurora_events_total',
    help: 'Deliveries by event type and result.',
    labels: ['function', 'type', 'result'],
  });
  const children = new Map<string, CounterChild>();
  return {
    count(eventType: string | null, result: EventResult): void {
      const type = eventType !== null && Object.hasOwn(EVENTS, eventType) ? eventType : 'unknown';
      const key = `${type} ${result}`;
      let child = children.get(key);
      if (child === undefined) {
        child = events.with({ function: functionName, type, result });
        children.set(key, child);
      }
      child.add();
    },
  };
}
