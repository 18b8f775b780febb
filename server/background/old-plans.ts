import type { Sql } from '../database/sql.ts'
import { planDays } from '../endpoints/plans/plan-row.ts'

/** How long a reviewed emergency is shown after its review, in days. */
const emergencyDays = 30

/** Deletes plans whose term is long over, and emergencies that are reviewed, or whose operation changed nothing and left no record. */
export async function deleteOldPlans(sql: Sql): Promise<void> {
  await sql`
    delete from jobsctl_plans where expires_at < now() - ${planDays}::int * interval '1 day'`
  await sql`
    delete from jobsctl_emergencies
    where reviewed_at < now() - ${emergencyDays}::int * interval '1 day'
      or not exists (select from job_operations where id = operation_id)`
}
