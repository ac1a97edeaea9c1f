/**
 * Checks the layout of terraform/ with `terraform fmt`. Where terraform is not installed it says so in one line and passes: the
 * project needs npm only, and whoever changes terraform/ has the tool.
 *   node cli/dev/terraform-fmt.ts
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../terraform', import.meta.url));

if (!existsSync(folder)) {
  console.log('terraform fmt: skipped, there is no terraform/ folder');
} else {
  const { error, status, signal } = spawnSync('terraform', ['fmt', '-check', '-diff', '-recursive', folder], {
    stdio: 'inherit',
  });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') {
    console.log('terraform fmt: skipped, terraform is not installed');
  } else if (error !== undefined) {
    throw error;
  } else if (status !== 0) {
    console.error(`terraform fmt: failed (${signal ?? `exit ${status}`}). Run: terraform fmt -recursive terraform`);
    process.exitCode = 1;
  }
}
