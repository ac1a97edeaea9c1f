/**
 * What the image holds of others' code, as CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/): most of it is within the bundles,
 * where no scanner finds it. The same tree gives the same text.
 */
import type { Packages } from './packages.ts';

export interface Sbom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.5';
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
}
interface Component {
  readonly type: 'library' | 'container';
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses?: readonly { readonly expression: string }[];
}

/** @param given.places of packages, some of them several times @throws Error when the lock file lacks one */
export function sbomOf(given: {
  /** Of the image. */
  readonly version: string;
  readonly packages: Packages;
  readonly places: readonly string[];
}): Sbom {
  const components = [...new Set(given.places)].sort().map((place) => {
    const { version, license } = given.packages[place] ?? {};
    if (version === undefined) throw new Error(`package-lock.json has no ${place}: run npm ci, then build again`);
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return {
      type: 'library' as const,
      name,
      version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    };
  });
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { type: 'container', name: 'aurora', version: given.version } },
    components,
  };
}
