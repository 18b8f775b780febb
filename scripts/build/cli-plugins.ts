import { createRequire } from 'node:module'
import { basename } from 'node:path'
import type { Plugin } from 'esbuild'

/** Modules that are built into files of their own, and the names of these files for the one that loads them. */
const ownFiles = [
  [/^\.\/run-any\.ts$/, './run-any.js'],
  [/^\.\/run-often-used\.ts$/, './run-often-used.js'],
  [/\/shared\/text\/parse-yaml\.ts$/, './parse-yaml.js'],
  [/^\.\/through-proxy\.ts$/, './http/through-proxy.js'],
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
  // jobsctl sends texts over HTTP/1.1. The HTTP/2 client and the bodies of `fetch` load the TLS and crypto modules.
  {
    importer: /[\\/]undici[\\/]lib[\\/]/,
    module: /(^\.\/client-h2|\/web\/fetch\/body)\.js$/,
    contents: `module.exports = () => { ${missing} }`,
  },
  // The proxies of HTTPS_PROXY speak HTTP.
  {
    importer: /[\\/]undici[\\/]lib[\\/]/,
    module: /^\.\/socks5-proxy-agent$/,
    contents: `module.exports = class { constructor() { ${missing} } }`,
  },
  // undici takes two values of Node's own HTTP: the class of its answers, which jobsctl never has, and a default in bytes.
  {
    importer: /[\\/]undici[\\/]lib[\\/]/,
    module: /^node:http$/,
    contents: 'module.exports = { IncomingMessage: class {}, maxHeaderSize: 16384 }',
  },
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

/**
 * Puts the parsers of HTTP that undici has as base64 into files of bytes. V8 would scan their text at each start; one of the two is used.
 */
export const parsersAsBytes: Plugin = {
  name: 'parsers-as-bytes',
  setup: (build) => {
    const namespace = 'bytes'
    build.onLoad({ filter: /[\\/]llhttp[\\/]llhttp(_simd)?-wasm\.js$/ }, ({ path }) => ({
      contents: `module.exports = require('node:fs').readFileSync(require('node:path').join(__dirname, require(${JSON.stringify(`bytes:${path}`)})))`,
    }))
    build.onResolve({ filter: /^bytes:/ }, ({ path }) => ({
      path: basename(path).replace('-wasm.js', '.wasm'),
      namespace,
      pluginData: path.slice('bytes:'.length),
    }))
    build.onLoad({ filter: /^/, namespace }, ({ pluginData }) => {
      const bytes: unknown = createRequire(import.meta.url)(pluginData)
      if (!(bytes instanceof Uint8Array)) throw new Error(`${pluginData} is no parser as bytes`)
      return { contents: bytes, loader: 'file' }
    })
  },
}
