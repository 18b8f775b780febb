import postgres from 'postgres'
import { expect, it } from 'vitest'
import { emptyDatabase } from '../../support/database/database.ts'
import { partitionJobs } from '../../support/database/partitions.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'

const names = ['jobsctl_history_insert', 'jobsctl_history_update']

/** A statement that creates the trigger of the history waits until two servers have begun with one. */
const meeting = `
  create sequence arrived;
  create function meet() returns event_trigger language plpgsql as $$
  begin
    if current_query() not like 'create trigger jobsctl_history_insert %' then return; end if;
    perform nextval('arrived');
    while (select last_value from arrived) < 2 loop perform pg_sleep(0.01); end loop;
  end $$;
  create event trigger meet on ddl_command_start when tag in ('CREATE TRIGGER') execute function meet()`

it.each(['a table', 'a table with partitions'])('two servers create the triggers of %s at once', async (what) => {
  const database = await emptyDatabase()
  const logs: [string[], string[]] = [[], []]
  const start = async (log: string[]) => {
    const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' }, (line) => {
      log.push(line)
    })
    await server.prepared
    return server
  }
  await (await start([])).stop()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  if (what !== 'a table') await partitionJobs(sql, 'chatbooks')
  else for (const name of names) await sql.unsafe(`drop trigger if exists ${name} on jobs`)
  await sql.unsafe(meeting)
  const servers = await Promise.all(logs.map(start))
  const tables = what === 'a table' ? 1 : 3
  await until('all tables have the triggers', async () => {
    const rows = await sql`select from pg_trigger where tgname = any(${names}) and tgenabled = 'A'`
    return rows.length === 2 * tables
  })
  await until('the history is kept', async () => (await sql`select from jobsctl_history where until > now()`)[0])
  const [{ met } = { met: 0 }] = await sql<{ met: number }[]>`select last_value::int as met from arrived`
  expect(met).toBeGreaterThanOrEqual(2)
  for (const server of servers) await server.stop()
  expect(logs.flat().join('\n')).not.toContain('already exists')
  await sql.end()
  await database.drop()
})
