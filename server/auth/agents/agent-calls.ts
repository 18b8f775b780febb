import { type Sql, utcText } from '../../database/sql.ts'
import type { Caller } from '../authenticate.ts'

/** For how long calls are kept, and how many at most, the newest. */
const keptDays = 90
const mostKept = 1_000_000
const deletedAtOnce = 10_000

/** The most characters of a filter, and fields of an answer, that are kept. */
const longestFilter = 4000
const mostFields = 200

/** A call of an agent, and what it got. */
export interface AgentCall {
  caller: Pick<Caller, 'id' | 'agent'>
  /** The tool, or the path of a call without one. */
  tool: string
  /** What was asked, as it was sent. */
  filter: unknown
  /** How many rows it got, and which fields of them. */
  rows: number
  fields: readonly string[]
  /** What the program says that it is; undefined where the session or an earlier call says it. */
  client?: string | undefined
  /** The code of the error, where it got one. */
  failed?: string | undefined
}

/** Keeps a call of an agent for 90 days. Does nothing for a person. */
export async function keepCall(sql: Sql, call: AgentCall): Promise<void> {
  const { caller, tool, filter, rows, fields, client, failed } = call
  const { agent } = caller
  if (!agent) return
  await sql`
    insert into jobsctl_agent_calls (caller, session, principal, client, tool, filter, rows, fields, failed)
    values (
      ${caller.id}, ${agent.session ?? null}, ${agent.of}, ${client ?? agent.client ?? null}, ${tool.slice(0, 200)}, ${filterText(filter)},
      ${rows}::bigint, ${fields.slice(0, mostFields)}::text[], ${failed ?? null}
    )`
}

function filterText(filter: unknown): string {
  const text = JSON.stringify(filter ?? {})
  return text.length <= longestFilter ? text : JSON.stringify({ cut: text.slice(0, longestFilter / 2) })
}

/** What the program of an agent said last that it is: at its session, or with a call. */
export async function lastClient(sql: Sql, { id, agent }: Pick<Caller, 'id' | 'agent'>): Promise<string | undefined> {
  if (agent?.client !== undefined) return agent.client
  const [row] = await sql<{ client: string }[]>`
    select client from jobsctl_agent_calls where caller = ${id} and client is not null order by id desc limit 1`
  return row?.client
}

interface Kept {
  at: string
  tool: string
  filter: string
  rows: number
  fields: string[]
  client: string | null
  failed: string | null
}

/** The last calls of an agent until a moment, the newest first. */
export const callsBefore = async (
  sql: Sql,
  { caller, session, until, most }: { caller: string; session: string | null; until: string; most: number },
): Promise<Kept[]> => [
  ...(await sql<Kept[]>`
    select ${utcText(sql, 'called_at')} as at, tool, filter, rows, fields, client, failed
    from jobsctl_agent_calls as call
    where caller = ${caller} and session is not distinct from ${session} and called_at <= ${until}::text::timestamptz
    order by call.id desc
    limit ${most}`),
]

/** Deletes calls whose term is over, and the oldest ones beyond the most that are kept. */
export async function deleteOldAgentCalls(sql: Sql, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const { count } = await sql`
      delete from jobsctl_agent_calls
      where id = any(array(
        select id
        from jobsctl_agent_calls
        where called_at < now() - ${keptDays}::int * interval '1 day'
          or id <= (select max(id) - ${mostKept}::bigint from jobsctl_agent_calls)
        order by id
        limit ${deletedAtOnce}
        for update skip locked
      ))`
    if (count < deletedAtOnce) return
  }
}
