import type { Sql } from '../../database/sql.ts'
import type { ApprovalContext } from './approval.ts'

/** Notes with a running operation, and in what will be sealed of it, that it goes past an approval. */
export async function noteEmergency(
  tx: Sql,
  { operation, caller, identity: { principal } }: ApprovalContext,
): Promise<void> {
  const facts = JSON.stringify({ emergency: true, principal })
  await tx`
    update job_operations set filters = filters || ${facts}::text::jsonb where id = ${operation}::bigint`
  await tx`
    insert into jobsctl_emergencies (operation_id, caller, principal) values (${operation}::bigint, ${caller}, ${principal})`
}

/** Forgets the emergency of an operation that did not begin. */
export const forgetEmergency = (sql: Sql, operation: number) => sql`
  delete from jobsctl_emergencies where operation_id = ${operation}::bigint`
