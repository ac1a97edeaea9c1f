/**
 * Reads what Prometheus scrapes: text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats), and of OpenMetrics
 * what differs: exemplars, `# EOF`, timestamps in seconds. Bounded, pure; what it cannot read is named by its line.
 */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** May be NaN and infinite. */
  readonly value: number;
  /** Epoch milliseconds; null: none is given. */
  readonly timestampMs: number | null;
}

export interface Exposition {
  readonly samples: readonly Sample[];
  /** As `# TYPE` has it: counter, gauge, histogram, summary, untyped. */
  readonly types: ReadonlyMap<string, string>;
}

/** @returns `fault`: why it is none */
export type Parsed = Exposition | { readonly fault: string };

const MAX_SAMPLES = 50_000;
const MAX_LINE = 16_384;

const TYPE = /^#[ \t]+TYPE[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]+(\w+)[ \t]*$/;
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|(?=\}))/y;
/** Value, and maybe a timestamp, and maybe an exemplar, which is not looked at. */
const REST = /^[ \t]+(\S+)(?:[ \t]+([-+]?[0-9.eE+-]+))?[ \t]*(?:#[ \t]*\{.*)?$/;

export function parseExposition(text: string): Parsed {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  const perMs = /^# EOF[ \t]*$/m.test(text) ? 1_000 : 1;
  let number = 0;
  for (const line of lines(text)) {
    number += 1;
    const at = (what: string): Parsed => ({ fault: `line ${number}: ${what}` });
    if (line.length > MAX_LINE) return at(`expected at most ${MAX_LINE} characters`);
    if (line.startsWith('#')) {
      const [, name, type] = TYPE.exec(line) ?? [];
      if (name !== undefined && type !== undefined) types.set(name, type.toLowerCase());
      continue;
    }
    if (line.trim() === '') continue;
    const sample = sampleOf(line.trim(), perMs);
    if (typeof sample === 'string') return at(sample);
    if (samples.push(sample) > MAX_SAMPLES) return at(`expected at most ${MAX_SAMPLES} samples`);
  }
  return { samples, types };
}

function* lines(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from);
    const to = end === -1 ? text.length : end;
    yield text.slice(from, to).replace(/\r$/, '');
    from = to + 1;
  }
}

/** A text says what is wrong. */
function sampleOf(line: string, perMs: number): Sample | string {
  NAME.lastIndex = 0;
  const name = NAME.exec(line)?.[0];
  if (name === undefined) return 'expected the name of a series';
  const labels: Record<string, string> = {};
  let at = name.length;
  const brace = /[ \t]*\{/y;
  brace.lastIndex = at;
  if (brace.test(line)) {
    at = brace.lastIndex;
    for (;;) {
      LABEL.lastIndex = at;
      const [whole, label, value] = LABEL.exec(line) ?? [];
      if (whole === undefined || label === undefined || value === undefined) break;
      if (Object.hasOwn(labels, label)) return `label ${label} is there twice`;
      // Its own property, whatever it is called.
      Object.defineProperty(labels, label, { value: unescaped(value), enumerable: true });
      at = LABEL.lastIndex;
    }
    const close = /[ \t]*\}/y;
    close.lastIndex = at;
    if (!close.test(line)) return `expected labels, such as ${name}{name="value"}`;
    at = close.lastIndex;
  }
  const [, number, stamp] = REST.exec(line.slice(at)) ?? [];
  const value = number === undefined ? null : numberIn(number);
  if (value === null) return `expected a value of ${name}`;
  const given = stamp === undefined ? null : Number(stamp);
  if (given !== null && !Number.isFinite(given)) return `expected a timestamp of ${name}`;
  return { name, labels, value, timestampMs: given === null ? null : given * perMs };
}

const unescaped = (value: string): string =>
  value.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));

/** Null: it is none. `Nan` is how prom-client writes it. */
function numberIn(text: string): number | null {
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : null;
}

/** Samples of a series whose labels include these. */
export const samplesOf = (
  { samples }: Exposition,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): readonly Sample[] =>
  samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(
        ([label, value]) => Object.hasOwn(sample.labels, label) && sample.labels[label] === value,
      ),
  );

/** One that went up or down, or was not there before, between two scrapes. */
export function moved(before: readonly Sample[], after: readonly Sample[]): boolean {
  const key = ({ labels }: Sample): string => JSON.stringify(Object.entries(labels).toSorted());
  const values = new Map(before.map((sample) => [key(sample), sample.value]));
  return after.some((sample) => !Object.is(values.get(key(sample)), sample.value));
}
