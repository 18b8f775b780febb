import type { Plugin } from 'esbuild'

/**
 * Builds `edge.ts` and its imports into a second file, which `bin.ts` loads only when it needs it, and the reader of YAML into a third
 * one for commands of policies.
 */
export const inOwnFiles: Plugin = {
  name: 'in-own-files',
  setup: (build) => {
    build.onResolve({ filter: /^\.\/edge\.ts$/ }, () => ({ path: './edge.js', external: true }))
    build.onResolve({ filter: /^\.\/parse-yaml\.ts$/ }, () => ({ path: './policy/parse-yaml.js', external: true }))
  },
}

/**
 * Leaves the HTTP/2 client and the `fetch` bodies of undici out of the bundle. The command line sends text over
 * HTTP/1.1 and does not use them, but Node would read them at each start, and they load the TLS and crypto modules.
 */
export const textOverHttp1: Plugin = {
  name: 'text-over-http1',
  setup: (build) =>
    build.onLoad({ filter: /[\\/]undici[\\/]lib[\\/](dispatcher[\\/]client-h2|web[\\/]fetch[\\/]body)\.js$/ }, () => ({
      contents: "module.exports = () => { throw new Error('the bundle does not include this part of undici') }",
    })),
}
