import { join } from 'node:path'
import { build } from 'esbuild'
import type postgres from 'postgres'
import type { Patch } from './patch.ts'
import { patchDriver, patches } from './patch-driver.ts'

/**
 * Bundles the PostgreSQL driver with patches, and loads it. A program whose sessions are ended needs it: the driver of npm writes to a connection
 * that is gone, where nobody can catch the error.
 * @param folder where the bundle is written
 * @param used the patches; by default those of the server
 */
export async function bundleDriver(folder: string, used: readonly Patch[] = patches): Promise<typeof postgres> {
  // The runner of the tests loads modules in folders of this name as Node does.
  const outfile = join(folder, 'dist', 'driver.mjs')
  const plugins = [patchDriver(used)]
  await build({ entryPoints: ['postgres'], bundle: true, platform: 'node', format: 'esm', plugins, outfile })
  const module: { default: typeof postgres } = await import(outfile)
  return module.default
}
