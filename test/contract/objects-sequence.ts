/** The content of the nth write of a sequence: its number, then bytes that follow from it; sizes vary over several pages. */
export function contentOf(n: number): Buffer {
  const content = Buffer.alloc(4 + ((n * 7919) % 40_000), n % 251);
  content.writeUInt32BE(n);
  return content;
}
