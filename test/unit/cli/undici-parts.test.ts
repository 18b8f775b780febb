import { type BuildOptions, build } from 'esbuild'
import { expect, it } from 'vitest'
import { parsersAsBytes, withoutUnused } from '../../../scripts/build/cli-plugins.ts'

/** The files of undici in what the build makes of a file. */
async function partsIn(file: string): Promise<string[]> {
  const options: BuildOptions = { bundle: true, platform: 'node', format: 'cjs', outdir: 'dist', write: false }
  const plugins = [parsersAsBytes, withoutUnused]
  const { metafile } = await build({
    ...options,
    ...{ entryPoints: [file], external: ['./through-proxy.ts'], plugins, metafile: true },
  })
  const inputs = Object.keys(metafile?.inputs ?? {})
  return inputs.flatMap((path) => /^(?:bytes:.*)?node_modules\/undici\/(.+)$/.exec(path)?.[1] ?? []).sort()
}

const forCalls = [
  'lib/api/api-request.js',
  'lib/api/readable.js',
  'lib/core/connect.js',
  'lib/core/constants.js',
  'lib/core/diagnostics.js',
  'lib/core/errors.js',
  'lib/core/request.js',
  'lib/core/symbols.js',
  'lib/core/tree.js',
  'lib/core/util.js',
  'lib/dispatcher/client-h1.js',
  'lib/dispatcher/client.js',
  'lib/dispatcher/dispatcher-base.js',
  'lib/dispatcher/dispatcher.js',
  'lib/handler/unwrap-handler.js',
  'lib/handler/wrap-handler.js',
  'lib/llhttp/constants.js',
  'lib/llhttp/llhttp-wasm.js',
  'lib/llhttp/llhttp_simd-wasm.js',
  'lib/llhttp/utils.js',
  'lib/util/stats.js',
  'lib/util/timers.js',
]

it('a call loads these parts of undici, and neither HTTP/2, fetch nor proxies', async () => {
  expect(await partsIn('cli/http/connection.ts')).toEqual(forCalls)
})
