import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Plugin } from 'esbuild'
import { type Patch, patches } from './driver-patches.ts'

/**
 * Patches the PostgreSQL driver in the bundle. postgres.js 3.4.9 has defects when a connection is lost
 * (porsager/postgres issues 1066, 1130, 1154, 1208), and when a transaction begins at the limit of a pipeline. A query
 * between the error and the close of a socket never settles, or resolves with the rows of another statement. A transaction
 * or a reserved session continues in another session, or ends the process. The pool loses a connection. With the patches
 * each such query rejects with CONNECTION_CLOSED, a statement outside of transactions that PostgreSQL has not begun when it ends a
 * session is sent again, no statement is sent behind that of another caller that has run for a while, the parts of a statement are no
 * promises, and there are two options: `opening`, a statement that each new connection runs before any other, and `meter`, for metrics
 * of the pool. The build fails when the source of the driver changes, so that each
 * new release is checked.
 */
export const patchDriver: Plugin = {
  name: 'patch-driver',
  setup: (build) =>
    build.onLoad({ filter: /[\\/]postgres[\\/]src[\\/](?:connection|index|query)\.js$/ }, async ({ path }) => ({
      contents: (patches[basename(path)] ?? []).reduce(applyPatch, await readFile(path, 'utf8')),
      loader: 'js',
    })),
}

function applyPatch(source: string, [original, replacement]: Patch): string {
  if (source.split(original).length !== 2)
    throw new Error(`the source of the PostgreSQL driver has changed: see ${import.meta.url}`)
  return source.replace(original, () => replacement)
}
