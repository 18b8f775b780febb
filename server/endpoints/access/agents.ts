import type { KnownAgent } from '../../../shared/access/agents.ts'
import { agentRole } from '../../../shared/access/rights.ts'
import { readAgentsOn } from '../../auth/agents/switch.ts'
import { isLive } from '../../auth/tokens.ts'
import type { Reading } from '../../call.ts'
import { type Sql, utcText } from '../../database/sql.ts'
import type { OutputOf } from '../handlers.ts'

const most = 1000

/** Whether agents are on, what they asked in the last day, and what became of their plans. */
export const listAgents = async ({ sql }: Pick<Reading, 'sql'>): Promise<OutputOf<'listAgents'>> => ({
  on: await readAgentsOn(sql),
  agents: await readAgents(sql),
})

const readAgents = async (sql: Sql): Promise<KnownAgent[]> => [
  ...(await sql<KnownAgent[]>`
    with known as (
      select id, agent_of as of, 'token' as by from jobsctl_tokens where role = ${agentRole}
      union
      select caller, principal, ${kindOf(sql)} from jobsctl_agent_calls as made where called_at > now() - interval '1 day'
      union
      select caller, principal, ${kindOf(sql)}
      from (select caller, agent ->> 'of' as principal, agent ->> 'session' as session from jobsctl_plans where agent is not null) as made
      union
      select caller, principal, 'session' from jobsctl_agent_sessions
    )
    select
      known.id, coalesce(token.name, known.id) as name, known.of, known.by,
      coalesce(last.client, (
        select client from jobsctl_agent_sessions as session
        where session.caller = known.id and known.by = 'session'
        order by opened_at desc
        limit 1
      )) as client,
      last.called_at as last_call_at,
      token.id is not null and (not ${isLive(sql)} or grants.suspended_at is not null) as ended,
      (select count(*) from jobsctl_agent_sessions as session where session.caller = known.id and known.by = 'session') as sessions,
      coalesce(asked.tools, '[]') as asked, plans.counts as plans
    from known
    left join jobs_api_tokens as token on token.id = known.id
    left join jobsctl_tokens as grants on grants.id = known.id
    left join lateral (
      select client, ${utcText(sql, 'called_at')} as called_at
      from jobsctl_agent_calls as made
      where made.caller = known.id and ${kindOf(sql)} = known.by
      order by made.id desc
      limit 1
    ) as last on true
    left join lateral (
      select jsonb_agg(jsonb_build_object('tool', tool, 'calls', calls, 'rows', rows) order by calls desc, tool) as tools
      from (
        select tool, count(*) as calls, sum(rows) as rows
        from jobsctl_agent_calls as made
        where made.caller = known.id and ${kindOf(sql)} = known.by and called_at > now() - interval '1 day'
        group by tool
      ) as by_tool
    ) as asked on true
    cross join lateral (
      select jsonb_build_object(
        'proposed', count(*),
        'waiting', count(*) filter (where decision is null and operation.id is null and expires_at > now()),
        'approved', count(*) filter (where decision = 'approved'),
        'rejected', count(*) filter (where decision = 'rejected'),
        'applied', count(*) filter (where operation.id is not null),
        'undone', count(*) filter (where operation.undone_by is not null)
      ) as counts
      from (
        select *, agent ->> 'session' as session from jobsctl_plans where agent is not null and caller = known.id
      ) as made
      left join job_operations as operation on operation.preview_id = made.preview_id
      where ${kindOf(sql)} = known.by
    ) as plans
    order by last.called_at desc nulls last, known.id, known.by
    limit ${most}`),
]

/** An SQL expression on `made`: by what the agent called. */
const kindOf = (sql: Sql) => sql`case when made.session is null then 'token' else 'session' end`
