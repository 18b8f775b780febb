import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Plugin } from 'esbuild'
import { dialled } from './dialled.ts'
import { lostConnections } from './lost-connections.ts'
import { meter } from './meter.ts'
import { opening } from './opening.ts'
import type { Patch } from './patch.ts'
import { pipelines } from './pipelines.ts'
import { queryPromises } from './query-promises.ts'
import { reservedConnections } from './reserved-connections.ts'
import { statementErrors } from './statement-errors.ts'
import { statementTexts } from './statement-texts.ts'
import { writeAtOnce } from './write-at-once.ts'

/** In this order: a patch may change what an earlier one has added. */
const patches = [
  lostConnections,
  reservedConnections,
  pipelines,
  meter,
  opening,
  writeAtOnce,
  statementErrors,
  statementTexts,
  queryPromises,
  dialled,
]

/**
 * Patches the PostgreSQL driver in the bundle: postgres.js 3.4.9 has defects when a connection is lost (porsager/postgres issues 1066,
 * 1130, 1154, 1208), and lacks what the server needs. Each file beside this one says what it changes, and why. The build fails when the
 * source of the driver changes, so that each new release is checked.
 */
export const patchDriver: Plugin = {
  name: 'patch-driver',
  setup: (build) =>
    build.onLoad({ filter: /[\\/]postgres[\\/]src[\\/](?:connection|index|query)\.js$/ }, async ({ path }) => ({
      contents: patched(basename(path), await readFile(path, 'utf8')),
      loader: 'js',
    })),
}

const patched = (file: string, source: string): string =>
  patches
    .flatMap((files) => Object.entries(files).find(([name]) => name === file)?.[1] ?? [])
    .reduce(applyPatch, source)

function applyPatch(source: string, [original, replacement]: Patch): string {
  if (source.split(original).length !== 2)
    throw new Error(`the source of the PostgreSQL driver has changed: see ${import.meta.url}`)
  return source.replace(original, () => replacement)
}
