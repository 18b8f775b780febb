import * as z from 'zod'
import { readAsOwn } from '../../shared/scope.ts'
import type { Sql } from '../database/sql.ts'
import { placeNamed, servedBy } from './served.ts'

const WithDomain = z.object({ domain: z.string() })

/**
 * Reads the input of a call, whose names of queues and job types may be longer where they are those of another engine.
 * @param sent the fields of the call: where engines are served beside our own jobs, its domain says whose jobs it is about
 * @param read calls the schema, and ends before it returns
 */
export function readNames<Result>(sql: Sql, sent: unknown, read: () => Result): Result {
  const { mode, places } = servedBy(sql)
  if (mode !== 'own') return read()
  const { domain } = (places.length > 0 ? WithDomain.safeParse(sent).data : undefined) ?? {}
  return domain !== undefined && placeNamed(places, domain.trim()) ? read() : readAsOwn(read)
}
