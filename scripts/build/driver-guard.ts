import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Plugin } from 'esbuild'
import { type Mend, mends } from './driver-mends.ts'

/**
 * postgres.js 3.4.9 is not careful when a connection is lost (porsager/postgres issues 1066, 1130, 1154, 1208): what is
 * asked between the error of a socket and its end is never answered, or with the rows of another statement; a
 * transaction or a reserved session goes on in another session, or ends the whole process; and a connection is lost to
 * the pool. Until a release mends it, the bundle does: whoever asked hears that the connection is lost. The build fails
 * when the driver's text is another, so that this goes when it is no longer needed.
 */

/** Mends the PostgreSQL driver on its way into the bundle. */
export const driverGuard: Plugin = {
  name: 'driver-guard',
  setup: (build) =>
    build.onLoad({ filter: /[\\/]postgres[\\/]src[\\/](?:connection|index)\.js$/ }, async ({ path }) => ({
      contents: (mends[basename(path)] ?? []).reduce(mend, await readFile(path, 'utf8')),
      loader: 'js',
    })),
}

function mend(source: string, [text, by]: Mend): string {
  if (source.split(text).length !== 2) throw new Error(`the driver has changed: see ${import.meta.url}`)
  return source.replace(text, () => by)
}
