import type { Metafile } from 'esbuild'

/** Packages that a command imports when it runs, so that its help does not wait for them. */
const late = /node_modules\/(zod|undici|cli-table3|croner)\//

/**
 * Keeps the start of the command line short: no file that it loads before a command runs may import the schemas or the HTTP client.
 * @throws Error with a file that does
 */
export function refuseEagerPackages({ inputs }: Metafile, entry: string): void {
  const loaded = new Set([entry])
  for (const file of loaded) {
    for (const { path, kind, external } of inputs[file]?.imports ?? []) {
      if (kind === 'dynamic-import' || external) continue
      if (late.test(path))
        throw new Error(`${file} must import ${path} inside of a function: each command would load it`)
      loaded.add(path)
    }
  }
}
