import type { Mark } from '../../../shared/history/marks.ts'
import type { Acting, ServerContext } from '../../call.ts'
import { isShownTime, type Sql, staticFragment } from '../../database/sql.ts'
import type { InputOf } from '../handlers.ts'

/** The most marks that are kept: the oldest one goes when there is one more. */
const mostMarks = 10_000
/** The most marks of one answer about a range of history. */
const mostInRange = 1000

const columns = staticFragment((sql) => sql`id, text, created_at as at, caller`)

/** Marks this moment. Only the newest 10,000 marks are kept. */
export async function addMark(
  { sql, caller }: Pick<ServerContext, 'sql'> & Pick<Acting, 'caller'>,
  { text }: InputOf<'addMark'>,
): Promise<Mark> {
  const [mark] = await sql<[Mark]>`
    with ended as (
      delete from jobsctl_marks
      where id <= (select id from jobsctl_marks order by id desc offset ${sql.unsafe(String(mostMarks - 1))} limit 1)
    )
    insert into jobsctl_marks (text, caller) values (${text}, ${caller}) returning ${columns(sql)}`
  return mark
}

/** The marks, the newest first, without those that somebody has given a time by SQL which no request takes, such as `infinity`. */
export const listMarks = async (
  { sql }: Pick<ServerContext, 'sql'>,
  { text, limit }: InputOf<'listMarks'>,
): Promise<Mark[]> => [
  ...(await sql<Mark[]>`
    select ${columns(sql)} from jobsctl_marks
    where ${isShownTime(sql, sql`created_at`)} ${text === undefined ? sql`` : sql`and text = ${text}`}
    order by created_at desc, id desc
    limit ${limit}::int`),
]

/** The marks from one time to another, in seconds since 1970, the oldest first. */
export const marksWithin = (sql: Sql, { from, to }: { from: number; to: number }) => sql<Mark[]>`
  select ${columns(sql)} from jobsctl_marks
  where created_at >= to_timestamp(${from}::float8) and created_at < to_timestamp(${to}::float8)
  order by created_at, id
  limit ${sql.unsafe(String(mostInRange))}`
