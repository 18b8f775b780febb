import { randomUUID } from 'node:crypto'
import { Failure } from '../../shared/errors.ts'
import { revokeAllTokens } from '../auth/tokens.ts'
import { moveEventIds } from '../background/event-log-move.ts'
import { recordAct } from '../bulk/record/act.ts'
import { closeRecord } from '../bulk/record/close-record.ts'
import { rotatePreviewKey } from '../bulk/token/rotate-key.ts'
import {
  type DatabaseAddress,
  differencesOf,
  type Identity,
  type Installation,
  readIdentity,
  readInstallation,
} from '../database/installation/installation.ts'
import type { Pool, Transaction } from '../database/sql.ts'
import { leavesJobs } from '../undo/leaves-jobs.ts'
import { atShell } from './operator.ts'

interface Adoption {
  by: string
  /** `same` for the installation that it was, which was moved or restored; `clone` for another one beside the original. */
  as: 'same' | 'clone'
}

/**
 * Says what a database is that differs from the one that it remembers, with an event. A clone gets another id, and no token, preview
 * or running change of the original is of use in it.
 * @returns what was done, as lines
 * @throws Failure `conflict` for a database that is what it was; nothing is changed then
 */
export async function adopt(sql: Pool, databaseAddress: DatabaseAddress, { by, as }: Adoption): Promise<string[]> {
  return sql.begin(async (tx) => {
    await tx`select from jobsctl_settings where name = 'installation' for update`
    const before = await readInstallation(tx)
    const identity = await readIdentity(tx, databaseAddress)
    if (!before || differencesOf(before, identity).length === 0) throw isWhatItWas(identity)
    const after: Installation = { ...identity, id: as === 'clone' ? randomUUID() : before.id }
    await tx`update jobsctl_settings set value = ${JSON.stringify(after)}::text where name = 'installation'`
    const lines = as === 'clone' ? await beginAnew(tx) : []
    const attrs = JSON.stringify({ by, as, before, after })
    await tx`insert into job_events (event_type, attrs_json) values ('database.adopted', ${attrs}::text::jsonb)`
    await recordAct(tx, atShell(by), { kind: 'database.adopted', details: { as, before, after } })
    const what = as === 'clone' ? 'an installation of its own' : 'the installation that it was'
    return [`adopted as ${what}: ${textOf(identity)}`, ...lines, 'the work in the background goes on']
  })
}

const textOf = ({ system, database, instance }: Identity): string =>
  `${database}, JOBS_INSTANCE ${instance ?? 'not set'}${system === null ? ', system identifier not readable for this role' : ''}`

const isWhatItWas = (identity: Identity): Failure =>
  new Failure('conflict', `the database is what it was (${textOf(identity)}); nothing was changed`, {
    hint: 'a copy that kept name and system identifier is told by JOBS_INSTANCE: give the command and the servers of the copy another one',
  })

/** Ends in a clone what belongs to the original. */
async function beginAnew(tx: Transaction): Promise<string[]> {
  const tokens = await revokeAllTokens(tx)
  await rotatePreviewKey(tx, { atOnce: true })
  await tx`delete from jobsctl_settings where name = 'policy'`
  const rules = await tx`delete from jobsctl_policy_rules`
  const running = await tx<{ id: number }[]>`
    select id from job_operations where state = 'running' order by id for update`
  for (const { id } of running)
    await closeRecord(tx, id, { state: 'partial', error: 'its database was adopted as a clone' }, leavesJobs)
  const { first_id } = await moveEventIds(tx, 'adopted as a clone')
  return [
    `revoked ${tokens} tokens; jobs-server token create <name> makes one`,
    `closed ${running.length} running operations; previews of the original are void`,
    ...(rules.count > 0 ? [`ended the policy with its ${rules.count} rules; jobsctl policy apply applies one`] : []),
    `ids of events go on at ${first_id}`,
  ]
}
