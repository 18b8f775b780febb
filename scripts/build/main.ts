import { chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { type BuildOptions, build } from 'esbuild'
import { commands } from '../../cli/commands/all.ts'
import { scripts } from '../../cli/commands/completion/scripts.ts'
import { programHelp } from '../../cli/commands/help/help-text.ts'
import { commandPage, programPage } from '../../cli/commands/help/man-page.ts'
import { inOwnFiles, ownPaths, parsersAsBytes, withoutUnused } from './cli-plugins.ts'
import { patchDriver } from './driver/patch-driver.ts'
import { licencesOf, packagesIn } from './licences.ts'
import { writeMadeFiles } from './made-files.ts'
import { quickEndpoints, requireQuickEndpoints } from './quick-endpoints.ts'
import { refuseEagerImports } from './refuse-eager-imports.ts'
import { billOfMaterials } from './sbom.ts'
import { buildSdk } from './sdk.ts'
import { compressedDocument, shortNamesInPackages, withoutValidator, yamlOfTheCommandLine } from './server-plugins.ts'
import { buildUi } from './ui.ts'
import { usedOfZod } from './used-of-zod.ts'
import { versionAlone } from './version-alone.ts'
import { withoutMeanings } from './without-meanings.ts'

/** Defines `require`, with which bundled CommonJS packages load Node's modules. */
const banner = {
  js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
}

const common: BuildOptions & { metafile: true } = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  metafile: true,
}

const server: typeof common = {
  ...common,
  format: 'esm',
  splitting: true,
  outdir: 'dist/server',
  // Identifiers are not minified, since the log has the class names of errors. `keepNames` would keep the names too,
  // but it
  // names each function at run time, which takes 10 % of the CPU time of a call.
  minifyWhitespace: true,
  minifySyntax: true,
  external: ['@electric-sql/pglite'],
  banner,
  plugins: [
    versionAlone,
    patchDriver(),
    compressedDocument,
    withoutValidator,
    yamlOfTheCommandLine,
    shortNamesInPackages,
    withoutMeanings({ formats: true }),
  ],
}

/**
 * Node reads the command line at each start. It is CommonJS, which Node loads synchronously, and has few files, since
 * each further file takes longer than the text in it.
 */
const cli: typeof common = {
  ...common,
  format: 'cjs',
  outdir: 'dist/cli',
  // Node reads the file at each start, and reads a smaller file faster.
  minify: true,
  supported: { 'dynamic-import': false },
  define: { PROGRAM_HELP: JSON.stringify(programHelp(commands)) },
  plugins: [
    versionAlone,
    inOwnFiles,
    quickEndpoints,
    parsersAsBytes,
    withoutUnused,
    withoutMeanings({ formats: false }),
  ],
  assetNames: '[name]',
}

/** Each has all that its commands need, so that one run reads one of them. */
const programs = ['cli/run-any.ts', 'cli/run-often-used.ts']
/** Loaded by commands that need them. */
const packages = ['cli-table3', 'croner', 'zod']

await writeMadeFiles()
await rm('dist', { recursive: true, force: true })
const built = await Promise.all([
  build({
    ...cli,
    entryPoints: ['cli/bin.ts', ...programs, 'cli/http/through-proxy.ts'],
  }),
  build({
    ...cli,
    plugins: [usedOfZod],
    entryPoints: [
      ...packages.map((name) => ({ in: name, out: name })),
      { in: 'shared/text/parse-yaml.ts', out: 'parse-yaml' },
    ],
  }),
  build({
    ...server,
    entryPoints: {
      main: 'server/main.ts',
      start: 'server/start.ts',
      'embedded-worker': 'server/database/embedded/embedded-worker.ts',
    },
  }),
  buildUi(),
  buildSdk(),
])
for (const entry of programs) refuseEagerImports(built[0].metafile, entry, ownPaths)
requireQuickEndpoints(built[0].metafile)
await writeFile('dist/cli/package.json', '{ "type": "commonjs" }\n')
await cp('server/database/migrate/migrations', 'dist/server/migrations', { recursive: true })
await cp('server/engines/mapped/maps', 'dist/server/maps', { recursive: true })
await mkdir('dist/man')
await writeFile('dist/man/jobsctl.1', programPage(commands))
for (const command of commands) await writeFile(`dist/man/jobsctl-${command.name}.1`, commandPage(command))
/** The names by which each shell finds a completion that is installed for all users. */
const completions = { bash: 'jobsctl', zsh: '_jobsctl', fish: 'jobsctl.fish', powershell: 'jobsctl.ps1' } as const
for (const shell of ['bash', 'zsh', 'fish', 'powershell'] as const) {
  await mkdir(`dist/completions/${shell}`, { recursive: true })
  await writeFile(`dist/completions/${shell}/${completions[shell]}`, scripts[shell])
}
const bundled = packagesIn(built.map(({ metafile }) => metafile))
await writeFile('dist/THIRD-PARTY-LICENSES.txt', await licencesOf(bundled))
await writeFile('dist/sbom.cdx.json', await billOfMaterials(bundled))
await Promise.all(['dist/cli/bin.js', 'dist/server/main.js'].map((file) => chmod(file, 0o755)))
