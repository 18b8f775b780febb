import { createHmac } from 'node:crypto'
import type { Elsewhere, EraseRequest, KeepingHold, NamedIn, PassedOver } from '../../../../shared/changes/erase.ts'
import { Failure } from '../../../../shared/errors.ts'
import { compareJobIds } from '../../../../shared/work/job-key.ts'
import type { Terms } from '../../../bulk/change/commission.ts'
import { mentions, recordsNaming } from '../../../bulk/record/records-naming.ts'
import { readHashKey } from '../../../bulk/token/preview-keys.ts'
import { hasCode } from '../../../database/errors/error-meanings.ts'
import { inFilter, isInState } from '../../../database/job-filter.ts'
import { readHolds } from '../../../database/read-holds.ts'
import type { Fragment, Pool, Sql } from '../../../database/sql.ts'
import { limitReadTime } from '../../../database/timeouts.ts'
import { engineTarget } from '../../../undo/engine/target.ts'
import { jobsWhere } from '../filtered.ts'
import { readElsewhere } from './elsewhere.ts'
import { type Asked, countHeld, type Filter, filterOf, holdsOver } from './set.ts'

interface Aside extends Elsewhere {
  passed_over: PassedOver | null
  named_in: NamedIn | null
}

/** What the erasure leaves: jobs that it passes over, and records that name the values. A slow search ends without an answer. */
export async function readAside(sql: Pool, request: EraseRequest): Promise<Aside> {
  const within = <Value>(read: (tx: Sql) => Promise<Value>): Promise<Value | null> =>
    sql
      .begin(async (tx) => {
        await tx`select ${limitReadTime(tx)}`
        return { value: await read(tx) }
      })
      .then(
        ({ value }) => value,
        (error: unknown) => {
          if (hasCode(error, ['57014'])) return null
          throw error
        },
      )
  return {
    passed_over: await within((tx) => readPassedOver(tx, request)),
    named_in: await within((tx) => recordsNaming(tx, valuesOf(request))),
    ...(await readElsewhere(within, request.owner_user_id, valuesOf(request))),
  }
}

async function readPassedOver(sql: Sql, request: Asked): Promise<PassedOver> {
  const filter = filterOf(request)
  const { payload, ...others } = filter
  const live = (where: (rest: Filter) => Fragment) =>
    request.copies_only ? sql`select 0::bigint` : sql`select count(*) ${jobsWhere(sql, filter, where)}`
  const target = engineTarget(sql)
  const needed =
    target &&
    live(
      (rest) =>
        sql`status <> 'processing' and (${target.writes.mayDelete(sql, target.found, 'erase')}) is not true ${inFilter(sql, rest)}`,
    )
  const holds = await readHolds(sql)
  const unreadable = payload
    ? sql`
      select count(*)
      from jobs_archive as jobs
      where jobs.payload is null and to_jsonb(jobs) ->> 'payload_compressed' is not null ${inFilter(sql, others)}`
    : sql`select 0::bigint`
  const [row] = await sql<[PassedOver]>`
    select
      (${live((rest) => sql`${isInState(sql, 'processing')} ${inFilter(sql, rest)}`)}) as running,
      (${countHeld(sql, request, holds)}) as held,
      ${needed ? sql`(${needed}) as needed,` : sql``}
      (${unreadable}) as unreadable`
  if (row.held === 0) return row
  return { ...row, holds: [...(await sql<KeepingHold[]>`${holdsOver(sql, request, holds)}`)] }
}

export const valuesOf = ({ owner_user_id, payload = [] }: Filter): string[] =>
  [owner_user_id ?? '', ...payload.map(({ value }) => value)].filter((value) => value !== '')

/**
 * A hash of the filter by a key of the database: who has only the record cannot try values, and the same filter has the same
 * hash on every server of this database.
 */
export async function hashOfFilter(sql: Sql, { ids, ...filter }: Filter): Promise<string> {
  const whole = { ...filter, ids: ids && [...new Set(ids)].sort(compareJobIds) }
  return createHmac('sha256', await readHashKey(sql))
    .update(JSON.stringify(whole))
    .digest('hex')
}

/** The record of the erasure keeps the words of its caller, and would name what was erased. */
export function refuseNames({ reason, idempotencyKey, requestId }: Terms, values: readonly string[]): void {
  const texts = { 'X-Reason': reason, 'Idempotency-Key': idempotencyKey, 'X-Request-Id': requestId }
  const naming = Object.entries(texts).filter(([, text]) => text !== undefined && mentions(text, values))
  if (naming.length === 0) return
  const names = naming.map(([name]) => name).join(', ')
  throw new Failure('invalid_request', `${names} names the value that is erased; nothing was changed`, {
    hint: 'the record of the erasure would keep it: name the case in place of the person, such as by the number of a ticket',
  })
}
