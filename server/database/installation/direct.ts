import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../sql.ts'

const name = 'direct'

/** Lets programs change jobs without a server beside servers, or ends that. Returns false where it was so already. */
export async function setDirect(sql: Sql, isOn: boolean): Promise<boolean> {
  const { count } = isOn
    ? await sql`
        insert into jobsctl_settings (name, value) values (${name}, 'on')
        on conflict (name) do update set value = 'on' where jobsctl_settings.value <> 'on'`
    : await sql`delete from jobsctl_settings where name = ${name}`
  return count > 0
}

/**
 * Refuses a change without a server where servers worked on the database in the last day: they have the callers, the roles and the limits.
 * @throws Failure `conflict` that names the server that was seen last, unless an admin has said `jobs-server direct on`
 */
export async function refuseBesideServers(sql: Sql): Promise<void> {
  const [server] = await sql<{ name: string; address: string | null; minutes: number; others: number }[]>`
    select
      name, address, round(extract(epoch from now() - seen_at) / 60)::int as minutes,
      (count(*) over () - 1)::int as others
    from jobsctl_servers
    where seen_at > now() - interval '1 day'
      and not exists (select from jobsctl_settings where name = ${name}::text and value = 'on')
    order by seen_at desc
    limit 1`
  if (!server) return
  const { address, minutes, others } = server
  const more = others === 0 ? '' : `, and ${others} more`
  const seen = minutes < 1 ? 'seen within the last minute' : `seen ${minutes} minutes ago`
  throw new Failure(
    'conflict',
    `a server works on this database: ${address ?? 'jobs-server'} (${server.name}, ${seen})${more}; nothing was changed`,
    {
      hint: `make the change there: ${address ? `--url ${address}` : '--url with its URL'}; an admin allows changes beside servers: jobs-server direct on`,
    },
  )
}
