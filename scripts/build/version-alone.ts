import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Plugin } from 'esbuild'
import * as z from 'zod'

const Manifest = z.object({ version: z.string() })
const manifest = resolve('package.json')

/** Takes the version of `package.json`, and nothing else, into a program: all programs know it by `shared/version.ts`. */
export const versionAlone: Plugin = {
  name: 'version-alone',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]package\.json$/ }, async ({ path }) =>
      path === manifest
        ? { contents: JSON.stringify(Manifest.parse(JSON.parse(await readFile(path, 'utf8')))), loader: 'json' }
        : undefined,
    )
  },
}
