import type { Plugin } from 'esbuild'

/** Modules that are built into files of their own, and the names of these files for the one that loads them. */
const ownFiles = [
  [/^\.\/run-any\.ts$/, './run-any.js'],
  [/^\.\/run-often-used\.ts$/, './run-often-used.js'],
  [/^\.\/parse-yaml\.ts$/, './policy/parse-yaml.js'],
  [/^cli-table3$/, './cli-table3.js'],
  [/^croner$/, './croner.js'],
  [/^zod$/, './zod.js'],
] as const

/** The paths by which the bundle loads the files of their own. */
export const ownPaths: readonly string[] = ownFiles.map(([, path]) => path)

/**
 * Builds what `bin.ts` loads only when it needs it into files of their own: one with all commands, and a smaller one with those that are
 * often used. So it is with what few commands use: the reader of YAML, the times of cron, and tables; and with zod, which many runs do
 * not need (`quick-endpoints.ts`).
 */
export const inOwnFiles: Plugin = {
  name: 'in-own-files',
  setup: (build) => {
    for (const [filter, path] of ownFiles) build.onResolve({ filter }, () => ({ path, external: true }))
  },
}

/** What the bundle has in place of a module of a package that the command line loads and does not use. */
interface Unused {
  /** The files of the package. */
  importer: RegExp
  module: RegExp
  contents: string
}

const missing = "throw new Error('the bundle does not include this part of a package')"

const unused: readonly Unused[] = [
  // commander starts commands that are programs of their own; jobsctl has none.
  {
    importer: /[\\/]commander[\\/]lib[\\/]/,
    module: /^node:child_process$/,
    contents: `exports.spawn = () => { ${missing} }`,
  },
]

/** Leaves out of the bundle what packages load and the command line does not use: Node would read and run it at each start. */
export const withoutUnused: Plugin = {
  name: 'without-unused',
  setup: (build) => {
    for (const { importer, module, contents } of unused) {
      const namespace = `unused ${module.source}`
      build.onResolve({ filter: module }, (found) =>
        importer.test(found.importer) ? { path: found.path, namespace } : undefined,
      )
      build.onLoad({ filter: /^/, namespace }, () => ({ contents }))
    }
  },
}
