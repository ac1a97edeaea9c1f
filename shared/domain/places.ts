import { canonicalRegion } from './aliases.ts';

/**
 * Where a provider says that a machine stands ("Texas, US", "Sofia, BG"), as a region of this house. By country, in the words
 * of the clouds; the United States have two, as requests name them: states on Mountain or Pacific time are the west.
 */
const REGION_OF_COUNTRY: Readonly<Record<string, string>> = byRegion({
  'eu-west': 'FR GB UK IE NL BE LU ES PT',
  'eu-central': 'DE AT CH PL CZ SK HU SI HR IT RO BG RS BA MK ME AL GR UA MD TR CY MT',
  'eu-north': 'SE NO FI DK IS EE LV LT',
  'ap-northeast': 'JP KR TW',
  'ap-east': 'HK MO CN MN',
  'ap-southeast': 'SG MY TH VN ID PH KH LA MM BN AU NZ',
  'ap-south': 'IN PK BD LK NP',
  'ca-central': 'CA',
  'sa-east': 'BR AR CL UY PY PE CO EC BO VE',
  'me-central': 'IL AE SA QA KW BH OM JO KZ UZ GE AM AZ',
  'af-south': 'ZA NA BW ZW MZ KE NG',
});
const REGIONS: ReadonlySet<string> = new Set(['us-east', 'us-west', ...Object.values(REGION_OF_COUNTRY)]);
const WESTERN_STATES = new Set(
  (
    'AK AZ CA CO HI ID MT NV NM OR UT WA WY ALASKA ARIZONA CALIFORNIA COLORADO HAWAII IDAHO MONTANA NEVADA NEW-MEXICO ' +
    'OREGON UTAH WASHINGTON WYOMING'
  ).split(' '),
);

function byRegion(countries: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(countries).flatMap(([region, codes]) => codes.split(' ').map((code) => [code, region])),
  );
}

/**
 * `Texas, US` -> `us-east`, `Sofia, BG` -> `eu-central`; a country that the table lacks is its code, `us` alone is `us`.
 * No place is `unknown`, not `global`: nobody who asks for a region is served by a machine that may stand anywhere.
 */
export function regionOfPlace(place: string | null | undefined): string {
  const words = (place ?? '').split(',').map((word) => word.trim().toUpperCase());
  const country = words.at(-1) ?? '';
  if (country === '') return 'unknown';
  const state = words.at(-2) ?? '';
  if (country === 'US' && state !== '') return WESTERN_STATES.has(state.replace(/\s+/g, '-')) ? 'us-west' : 'us-east';
  const known = Object.hasOwn(REGION_OF_COUNTRY, country) ? REGION_OF_COUNTRY[country] : undefined;
  const region = known ?? canonicalRegion(country);
  return region === 'global' ? 'unknown' : region;
}

/**
 * What a provider calls its region itself: `eu-west` as it is, `na-us-southwest` -> `us-west`, `us-central` -> `us-east`, `as-south`
 * -> `ap-south`. Null: a word that names no region of this house.
 */
export function regionOfName(name: string | null | undefined): string | null {
  const word = canonicalRegion(name ?? '')
    .replace(/^na-/, '')
    .replace(/^as-/, 'ap-');
  if (word.startsWith('us-')) return /(^|-)(north|south)?west$/.test(word) ? 'us-west' : 'us-east';
  if (word.startsWith('ca-')) return 'ca-central';
  return REGIONS.has(word) ? word : null;
}
