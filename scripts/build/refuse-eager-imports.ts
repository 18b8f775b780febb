import type { Metafile } from 'esbuild'

/** Packages that a command imports when it runs, so that its help does not wait for them. */
const late = /node_modules\/(zod|undici|yaml)\/|^node:https?$/

/**
 * Keeps the start of the command line short: no file that it loads before a command runs may import the schemas, the HTTP client, or one of
 * `ownFiles`, the paths of the built files that few commands use.
 * @throws Error with a file that does
 */
export function refuseEagerImports({ inputs }: Metafile, entry: string, ownFiles: readonly string[]): void {
  const loaded = new Set([entry])
  for (const file of loaded) {
    for (const { path, kind, external } of inputs[file]?.imports ?? []) {
      if (kind === 'dynamic-import') continue
      if (late.test(path) || ownFiles.includes(path))
        throw new Error(`${file} must import ${path} inside of a function: each command would load it`)
      if (!external) loaded.add(path)
    }
  }
}
