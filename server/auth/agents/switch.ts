import { Failure } from '../../../shared/errors.ts'
import { type Sql, staticFragment } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'

/** An SQL expression: whether agents may call, as an admin has said. */
export const areAgentsOn = staticFragment(
  (sql) => sql`exists (select from jobsctl_settings where name = 'agents' and value = 'on')`,
)

/** Whether agents may call. It is read at each call of an agent, so that `agents off` acts at once, on all servers. */
export async function readAgentsOn(sql: Sql): Promise<boolean> {
  if (servedBy(sql).mode === 'look') return false
  const [{ on }] = await sql<[{ on: boolean }]>`select ${areAgentsOn(sql)} as on`
  return on
}

const sentence = 'agents are off on this server; nothing was changed'
const hint = 'an admin turns them on, where the server runs: jobs-server agents on'

/**
 * Refuses what is only there while agents may call, as a path that is not there.
 * @throws Failure `not_found`
 */
export async function requireAgentsOn(sql: Sql): Promise<void> {
  if (!(await readAgentsOn(sql))) throw new Failure('not_found', sentence, { hint })
}

/** The failure of a call with the credentials of an agent. */
export const agentsOff = (): Failure => new Failure('forbidden', sentence, { hint })

/**
 * Lets agents call, or ends that and every session of an agent.
 * @returns the number of sessions that have ended; undefined where it was so already
 */
export async function setAgents(tx: Sql, isOn: boolean): Promise<number | undefined> {
  const { count } = isOn
    ? await tx`
        insert into jobsctl_settings (name, value) values ('agents', 'on')
        on conflict (name) do update set value = 'on' where jobsctl_settings.value <> 'on'`
    : await tx`delete from jobsctl_settings where name = 'agents'`
  const ended = isOn ? { count: 0 } : await tx`delete from jobsctl_agent_sessions`
  return count === 0 && ended.count === 0 ? undefined : ended.count
}
