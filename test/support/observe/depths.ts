import type { Pool } from '../../../server/database/sql.ts'
import { until } from '../poll.ts'

/**
 * Keeps the server from writing depths, which it does in each minute that begins while a test runs: no turn is given to it any more. The
 * moments are then those that the test writes.
 */
export async function stopWritingDepths(sql: Pool): Promise<void> {
  await sql.unsafe(`
    create function refuse_turn() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger refuse_turn before insert or update on jobsctl_tasks
      for each row when (new.task = 'depths') execute function refuse_turn()`)
  // A turn that was given before is over once it has written, or, where the counts could not be trusted, soon. The trigger stops its note.
  await until('no server writes depths', async () => {
    const [writing] = await sql`
      select from jobsctl_tasks
      where task = 'depths' and begun_at > now() - interval '10 seconds'
        and not exists (select from jobsctl_depth_moments where moment >= begun_at)`
    return writing === undefined
  })
  await sql`delete from jobsctl_depth_groups`
  await sql`delete from jobsctl_depths`
  await sql`delete from jobsctl_depth_moments`
}
