import { name } from './primitives.ts';

/**
 * One alias table for the words of the outside world. Canonical at parse; what is unknown is kept, folded to lower case.
 * Each function is idempotent: canonical words map to themselves. A valid name always folds to a valid name.
 */
const GPU: Readonly<Record<string, string>> = {
  '3090': 'rtx3090',
  '4090': 'rtx4090',
  '5090': 'rtx5090',
  a6000: 'rtxa6000',
  rtx6000ada: 'rtx6000ada',
  '6000ada': 'rtx6000ada',
  rtx6000adageneration: 'rtx6000ada',
  a100sxm: 'a100',
  a100sxm4: 'a100',
  a100pcie: 'a100',
  a10080gb: 'a100',
  a100sxm480gb: 'a100',
  a10080gbpcie: 'a100',
  a10040gb: 'a10040gb',
  a100sxm440gb: 'a10040gb',
  a100pcie40gb: 'a10040gb',
  h100sxm: 'h100',
  h100sxm5: 'h100',
  h100pcie: 'h100',
  h10080gb: 'h100',
  h10080gbhbm3: 'h100',
  h100nvl: 'h100nvl',
  h200sxm: 'h200',
  h200nvl: 'h200',
  b200sxm: 'b200',
  teslav100: 'v100',
  v100sxm2: 'v100',
  v100sxm216gb: 'v100',
  teslav100sxm2: 'v100',
  teslav100sxm216gb: 'v100',
  teslat4: 't4',
};
const PROVIDER: Readonly<Record<string, string>> = {
  vastai: 'vast',
  'vast.ai': 'vast',
  'io.net': 'ionet',
  'io-net': 'ionet',
  rendernetwork: 'render',
  akashnetwork: 'akash',
};
const WORKLOAD: Readonly<Record<string, string>> = {
  '3d_rendering': 'rendering',
  render: 'rendering',
  rendering_3d: 'rendering',
  cloud_gaming: 'gaming',
  general_compute: 'general',
  compute: 'general',
  inference: 'llm_inference',
  training: 'llm_training',
};
const REGION: Readonly<Record<string, string>> = {
  any: 'global',
  worldwide: 'global',
  anywhere: 'global',
  '*': 'global',
};
/** Cloud zone names carry an index that says nothing about distance: us-west-2 -> us-west. */
const CLOUD_ZONE = /^((?:us|eu|ap|ca|sa|me|af)-(?:gov-)?(?:north|south|east|west|central)+)-\d$/;

const own = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** Longest name; a few capitals fold to two characters. */
const NAME_LIMIT = 128;

/** Folding may leave no name: nothing, a reserved word. Those are one word, so that no event is refused for them. */
function named(folded: string): string {
  const cut = folded.slice(0, NAME_LIMIT).toWellFormed();
  return name.safeParse(cut).success ? cut : 'unknown';
}

/** Words come again and again: a remembered one costs a thirtieth of folding it. Emptied at a size that no market has. */
const REMEMBERED_LIMIT = 1_024;

function remembered(fold: (raw: string) => string): (raw: string) => string {
  const known = new Map<string, string>();
  return (raw) => {
    const found = known.get(raw);
    if (found !== undefined) return found;
    const folded = fold(raw);
    if (known.size >= REMEMBERED_LIMIT) known.clear();
    // Longer ones are no names, and would hold memory for nothing.
    if (raw.length <= NAME_LIMIT) known.set(raw, folded);
    return folded;
  };
}

/** `RTX 4090`, `RTX4090`, `4090` -> `rtx4090`. */
export const canonicalGpu = remembered((raw) => {
  const folded = raw
    .trim()
    .toLowerCase()
    .replace(/^nvidia|^geforce/, '')
    .replace(/[\s_-]+/g, '')
    .replace(/^(nvidia|geforce)+/, '');
  return own(GPU, folded) ?? named(folded === '' ? raw.trim().toLowerCase() : folded);
});

/** `vastai` -> `vast`. */
export const canonicalProvider = remembered((raw) => {
  const folded = raw.trim().toLowerCase().replace(/\s+/g, '');
  return own(PROVIDER, folded) ?? named(folded);
});

/** As it calls itself; one that is not known here is called by its id. */
const PROVIDER_TITLE: Readonly<Record<string, string>> = {
  akash: 'Akash Network',
  ionet: 'io.net',
  render: 'Render Network',
  vast: 'Vast.ai',
};
export const providerTitle = (provider: string): string => own(PROVIDER_TITLE, provider) ?? provider;

/** `3d_rendering` -> `rendering`; unknown ones are kept as free text. */
export const canonicalWorkload = remembered((raw) => {
  const folded = raw
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
  return own(WORKLOAD, folded) ?? named(folded);
});

/** `us-west-2` -> `us-west`; `any` -> `global`. */
export const canonicalRegion = remembered((raw) => {
  const folded = raw
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
  return own(REGION, folded) ?? CLOUD_ZONE.exec(folded)?.[1] ?? named(folded);
});
