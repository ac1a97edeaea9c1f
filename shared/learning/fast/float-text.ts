/** Numbers as text, exactly: little-endian float64 in base64, an eighth of what parsing decimals costs. */
import { endianness } from 'node:os';
import { z } from 'zod';

const BYTES = Float64Array.BYTES_PER_ELEMENT;
const FOREIGN = endianness() !== 'LE';

export function textOf(numbers: Float64Array): string {
  const bytes = Buffer.from(numbers.slice().buffer);
  return (FOREIGN ? bytes.swap64() : bytes).toString('base64');
}

/** Base64 of finite float64 numbers. */
export const floatText = z.base64().transform((text, context): Float64Array => {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.byteLength % BYTES !== 0) {
    context.addIssue({ code: 'custom', message: `expected whole float64 numbers, got ${bytes.byteLength} bytes` });
    return z.NEVER;
  }
  // Copied: a view needs its bytes aligned, and a pooled buffer holds other people's.
  const own = Uint8Array.from(FOREIGN ? bytes.swap64() : bytes);
  const numbers = new Float64Array(own.buffer);
  if (!numbers.every(Number.isFinite)) {
    context.addIssue({ code: 'custom', message: 'expected finite numbers' });
    return z.NEVER;
  }
  return numbers;
});
