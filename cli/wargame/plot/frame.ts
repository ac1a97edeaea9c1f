/** Where things are in the picture: pixels, y downwards. */

export const FRAME = { width: 960, height: 540, left: 72, right: 812, top: 116, bottom: 460 } as const;
/** Of a line of small text; labels nearer to each other would touch. */
const LABEL_HEIGHT = 18;
/** Lines of the grid at most: more would hide what is drawn. */
const MAX_TICKS = 9;

export interface Axis {
  /** Pixels. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** Decisions, on a logarithmic scale: most is learned early. */
export function decisionsAxis(from: number, to: number): Axis {
  const span = Math.log(to / from);
  const decades = Array.from({ length: 8 }, (_, power) => 10 ** power);
  const round = decades.flatMap((decade) => [decade, 2 * decade, 5 * decade]);
  return {
    at: (value) => FRAME.left + ((FRAME.right - FRAME.left) * Math.log(value / from)) / span,
    ticks: round.filter((tick) => tick >= from && tick <= to),
  };
}

/** Shares; always reaches from the rules to the oracle, further where the values do. */
export function shareAxis(values: readonly number[]): Axis {
  const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
  const step = [0.1, 0.2, 0.25, 0.5].find((size) => (high - low) / size < MAX_TICKS) ?? Math.ceil(high - low) / 5;
  const [bottom, top] = [Math.floor(low / step - 1e-9 * step), Math.ceil(high / step - 1e-9)];
  const span = (top - bottom) * step;
  return {
    at: (value) => FRAME.bottom - ((FRAME.bottom - FRAME.top) * (value - bottom * step)) / span,
    ticks: Array.from({ length: top - bottom + 1 }, (_, index) => (bottom + index) * step),
  };
}

/** The same heights, moved apart where they would touch, in their order. */
export function spread(heights: readonly number[]): readonly number[] {
  const order = heights.map((_, index) => index).sort((a, b) => (heights[a] as number) - (heights[b] as number));
  const placed = [...heights];
  order.forEach((index, rank) => {
    const above = order[rank - 1];
    if (above === undefined) return;
    placed[index] = Math.max(placed[index] as number, (placed[above] as number) + LABEL_HEIGHT);
  });
  return placed;
}
