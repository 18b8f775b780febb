import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Plugin } from 'esbuild'
import { dialled } from './dialled.ts'
import { queriesOfLostConnections, sentAgain, startUpRejections, unsentData, unsentErrors } from './lost-connections.ts'
import { meter } from './meter.ts'
import { opening } from './opening.ts'
import type { Patch, Replacement } from './patch.ts'
import { pipelines } from './pipelines.ts'
import { queryPromises } from './query-promises.ts'
import {
  beginInPipeline,
  describedAtRest,
  lostReservations,
  lostTransactions,
  rejectedReservations,
  waitingReservations,
} from './reserved-connections.ts'
import { alteredTables, cancelledTypes, roleOfErrors, rowsAfterErrors } from './statement-errors.ts'

/** A patch stands behind the one that it needs. */
export const patches: readonly Patch[] = [
  queriesOfLostConnections,
  sentAgain,
  unsentErrors,
  unsentData,
  startUpRejections,
  beginInPipeline,
  lostTransactions,
  lostReservations,
  rejectedReservations,
  waitingReservations,
  roleOfErrors,
  rowsAfterErrors,
  alteredTables,
  pipelines,
  meter,
  dialled,
  opening,
  cancelledTypes,
  queryPromises,
  describedAtRest,
]

/**
 * Patches the PostgreSQL driver in the bundle: postgres.js 3.4.9 has defects when a connection is lost (porsager/postgres issues 1066,
 * 1130, 1154, 1208), and lacks what the server needs. The build fails when the source of the driver changes, so that each new release
 * is checked.
 */
export const patchDriver = (all: readonly Patch[] = patches): Plugin => ({
  name: 'patch-driver',
  setup: (build) =>
    build.onLoad({ filter: /[\\/]postgres[\\/]src[\\/](?:connection|index|query)\.js$/ }, async ({ path }) => ({
      contents: all.reduce((source, patch) => patched(source, basename(path), patch), await readFile(path, 'utf8')),
      loader: 'js',
    })),
})

function patched(source: string, file: string, { name, changes }: Patch): string {
  const [, replacements = []] = Object.entries(changes).find(([changed]) => changed === file) ?? []
  return replacements.reduce((text, replacement) => replaced(text, replacement, name), source)
}

function replaced(source: string, [original, replacement]: Replacement, name: string): string {
  if (source.split(original).length !== 2)
    throw new Error(`the source of the PostgreSQL driver has changed for the patch ${name}: see ${import.meta.url}`)
  return source.replace(original, () => replacement)
}
