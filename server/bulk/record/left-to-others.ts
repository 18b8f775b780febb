import { Failure } from '../../../shared/errors.ts'
import { databaseFailure, isConnectionLost, isReadOnly } from '../../database/errors/failure.ts'
import { isFrozen } from '../../database/installation/freeze.ts'
import type { RunResult } from '../change/bulk-change.ts'
import { TakenOver } from '../change/claim.ts'

/** This server ends its part of a change that goes on without its caller, and another server goes on with it. */
export class LeftToOthers extends Error {}

/**
 * Why a change that goes on without its caller is left to another server, or to this one a moment later: the server stops, or has
 * lost the database, or the database is frozen. Whatever else stops a change would stop it on every server; undefined then.
 */
export function reasonToLeave(stop: RunResult['stop']): LeftToOthers | TakenOver | undefined {
  if (stop === undefined) return undefined
  if ('why' in stop) return stop.intended ? undefined : new LeftToOthers(stop.why)
  const { cause } = stop
  if (cause instanceof TakenOver) return cause
  if (isFrozen(cause)) return new LeftToOthers(messageOf(cause).replace(/; nothing was changed$/, ''))
  return isLossOfDatabase(cause) ? new LeftToOthers(messageOf(cause)) : undefined
}

/** True where the same statement may work on another connection. */
function isLossOfDatabase(error: unknown): boolean {
  if (error instanceof Failure && (error.code === 'outcome_unknown' || error.code === 'database_unavailable'))
    return true
  return isConnectionLost(error) || isReadOnly(error)
}

/** The message of an error, as the record of the operation may have it. */
export const messageOf = (error: unknown): string =>
  error instanceof Failure ? error.message : (databaseFailure(error)?.message ?? 'the server made a mistake')
