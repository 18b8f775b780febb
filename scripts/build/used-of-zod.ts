import { build, type Plugin } from 'esbuild'

/** Builds of zod what the command line uses: all of zod is four times as large. */
export const usedOfZod: Plugin = {
  name: 'used-of-zod',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^zod$/ }, ({ kind, path }) =>
      kind === 'entry-point' ? { path, namespace: 'used-of-zod' } : undefined,
    )
    onLoad({ filter: /^/, namespace: 'used-of-zod' }, async () => ({
      contents: `export { ${[...(await usedNames())].join(', ')} } from 'zod'`,
      resolveDir: process.cwd(),
    }))
  },
}

/** @throws Error for a file that imports zod under another name than `z` */
async function usedNames(): Promise<Set<string>> {
  // esbuild takes out the types.
  const { outputFiles } = await build({
    entryPoints: ['cli/**/*.ts', 'shared/**/*.ts'],
    outdir: 'dist',
    write: false,
  })
  const names = new Set<string>()
  for (const { path, text } of outputFiles) {
    if (text.replace('import * as z from "zod"', '').includes('from "zod"'))
      throw new Error(`${path} must have "import * as z from 'zod'"`)
    for (const [, name = ''] of text.matchAll(/\bz\.(\w+)/g)) names.add(name)
  }
  return names
}
