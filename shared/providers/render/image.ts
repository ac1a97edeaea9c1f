export interface SplitImage {
  readonly image: string;
  readonly tag: string;
}

/**
 * An image reference in the two parts that Render joins with a colon. That goes for a digest too, whose own colon is the joint;
 * a tag beside it says nothing more. No tag is `latest`. A colon before the last slash is that of a port.
 */
export function splitImage(reference: string): SplitImage {
  const [named = '', digest] = reference.split('@', 2);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  if (digest !== undefined) {
    const [algorithm = '', hash = ''] = digest.split(':', 2);
    return { image: `${name}@${algorithm}`, tag: hash };
  }
  return { image: name, tag: colon < 0 ? 'latest' : named.slice(colon + 1) };
}
