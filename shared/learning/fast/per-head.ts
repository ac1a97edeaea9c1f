/** The heads of the learner (heads.ts), in the order in which arrays hold them. */
export const HEAD_NAMES = ['start', 'hazard', 'price', 'latency', 'ready'] as const;

export type HeadName = (typeof HEAD_NAMES)[number];
export type PerHead<T> = Readonly<Record<HeadName, T>>;

/** The same of each. */
export const eachHead = <T>(of: (head: HeadName) => T): PerHead<T> => ({
  start: of('start'),
  hazard: of('hazard'),
  price: of('price'),
  latency: of('latency'),
  ready: of('ready'),
});
