import { readFile } from 'node:fs/promises'
import type { Plugin } from 'esbuild'

/**
 * postgres.js 3.4.9 ends the whole process when a transaction or a reserved session goes on to its
 * next statement after its connection was closed (porsager/postgres issues 1066, 1154, 1208), and
 * leaves what it did not send before the next connection's greeting, and what the last one complained
 * of to the next one's first statement. It ends the process, too, when a new connection is lost
 * while the driver reads the types of the database on it. Until a release mends it, the
 * bundle does: such a statement fails as one whose connection is lost. The build fails when the
 * driver's text is another, so that this goes when it is no longer needed.
 */
const mended: [text: string, by: string][] = [
  [
    'function nextWrite(fn) {\n',
    `function nextWrite(fn) {
    if (socket === null) {
      nextWriteTimer !== null && clearImmediate(nextWriteTimer)
      chunk = nextWriteTimer = null
      error(Errors.connection('CONNECTION_CLOSED', options, socket))
      return false
    }
`,
  ],
  [
    "clearImmediate(nextWriteTimer)\n    socket.removeListener('data', data)\n",
    "clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = errorResponse = null\n    socket.removeListener('data', data)\n",
  ],
  // Whoever waits for the connection hears of its loss by itself.
  ['return fetchArrayTypes()\n', 'return fetchArrayTypes().catch(() => {})\n'],
]

/** Mends the PostgreSQL driver on its way into the bundle. */
export const driverGuard: Plugin = {
  name: 'driver-guard',
  setup: (build) =>
    build.onLoad({ filter: /[\\/]postgres[\\/]src[\\/]connection\.js$/ }, async ({ path }) => ({
      contents: mended.reduce(mend, await readFile(path, 'utf8')),
      loader: 'js',
    })),
}

function mend(source: string, [text, by]: [string, string]): string {
  if (source.split(text).length !== 2) throw new Error(`the driver has changed: see ${import.meta.url}`)
  return source.replace(text, by)
}
