import { readFile } from 'node:fs/promises'
import { brotliCompressSync } from 'node:zlib'
import { type Plugin, transform } from 'esbuild'

/** Few processes are asked for the document of the API: 373 kB as JavaScript, 51 kB compressed. */
export const compressedDocument: Plugin = {
  name: 'compressed-document',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]server[\\/]http[\\/]openapi\.json$/ }, async ({ path }) => {
      const text = JSON.stringify(JSON.parse(await readFile(path, 'utf8')))
      const bytes = JSON.stringify(brotliCompressSync(text).toString('base64'))
      return {
        contents: `
          import { brotliDecompressSync } from 'node:zlib'
          export default JSON.parse(brotliDecompressSync(Buffer.from(${bytes}, 'base64')).toString())`,
      }
    })
  },
}

/**
 * Shortens the names inside of packages: a quarter of their text. The server's own names stay, for its log, and those of the driver, whose
 * errors have the name of their class.
 */
export const shortNamesInPackages: Plugin = {
  name: 'short-names-in-packages',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => {
      if (/[\\/]node_modules[\\/]postgres[\\/]/.test(path)) return undefined
      const { code } = await transform(await readFile(path, 'utf8'), { minifyIdentifiers: true, platform: 'node' })
      return { contents: code }
    })
  },
}

/**
 * Leaves a validator of JSON schemas out: the SDK of MCP has it for answers of persons that a server asks for, and this server asks for none.
 */
export const withoutValidator: Plugin = {
  name: 'without-validator',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]@modelcontextprotocol[\\/]sdk[\\/].*[\\/]validation[\\/]ajv-provider\.js$/ }, () => ({
      contents: `export class AjvJsonSchemaValidator {
        getValidator() { throw new Error('the bundle does not include the validator of JSON schemas') }
      }`,
    }))
  },
}

/** The server reads YAML with the file that the command line has for it: 138 kB that the package has once. */
export const yamlOfTheCommandLine: Plugin = {
  name: 'yaml-of-the-command-line',
  setup: ({ onResolve }) => {
    onResolve({ filter: /[\\/]shared[\\/]text[\\/]parse-yaml\.ts$/ }, () => ({
      path: '../cli/parse-yaml.js',
      external: true,
    }))
  },
}
