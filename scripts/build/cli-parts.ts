import type { Plugin } from 'esbuild'

/** Leaves `edge.ts` and all behind it in a file of its own, which `bin.ts` loads when it needs it. */
export const edgeApart: Plugin = {
  name: 'edge-apart',
  setup: (build) => build.onResolve({ filter: /^\.\/edge\.ts$/ }, () => ({ path: './edge.js', external: true })),
}

/**
 * The command line sends text over HTTP/1.1. What undici has for HTTP/2 and for the bodies of `fetch` would be read at
 * each start for nothing, and load TLS and cryptography even where there is none.
 */
export const textOverHttp1: Plugin = {
  name: 'text-over-http1',
  setup: (build) =>
    build.onLoad({ filter: /[\\/]undici[\\/]lib[\\/](dispatcher[\\/]client-h2|web[\\/]fetch[\\/]body)\.js$/ }, () => ({
      contents: "module.exports = () => { throw new Error('this part of undici is not in the bundle') }",
    })),
}
