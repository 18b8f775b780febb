import type { EraseRequest } from '../../../../shared/changes/erase.ts'
import { Failure } from '../../../../shared/errors.ts'
import type { JobId } from '../../../../shared/work/job-key.ts'
import { rethrowIncomplete } from '../../../bulk/preview/preview.ts'
import type { Pool, Sql } from '../../../database/sql.ts'
import { limitPreviewTime } from '../../../database/timeouts.ts'
import { fromEachPlace } from '../../../engines/served.ts'

type Asked = Pick<EraseRequest, 'owner_user_id' | 'domain'>

/** The most copies that an erasure by owner follows. */
const mostCopies = 10_000

/** The copies are looked for among all jobs, whatever the queue: a filter makes the search no shorter. */
const withoutCopies =
  'the copies of the jobs of the owner are looked for in the whole table: name the jobs by a value of their payload (--payload), which their copies have, too, or by their ids (--ids-file), in place of the owner'

/**
 * The same for a dry run, which ends where a preview would. An erasure itself follows every copy, however long that takes.
 * @throws Failure `preview_incomplete`; `usage` as `readCopies`
 */
export const readCopiesInTime = (sql: Pool, request: Asked): Promise<JobId[]> =>
  sql
    .begin('read only', async (tx) => {
      await tx`select ${limitPreviewTime(tx)}`
      return readCopies(tx, request)
    })
    .catch((error: unknown) => rethrowIncomplete(error, withoutCopies))

/**
 * The jobs that another engine has made as copies of the owner's, without saying whose they are. They are read before the first batch, since an
 * erased original names no copy any more.
 * @throws Failure `usage` for more than can be followed
 */
export async function readCopies(sql: Sql, { owner_user_id: owner, domain }: Asked): Promise<JobId[]> {
  if (owner === undefined) return []
  const copies =
    (await fromEachPlace(sql, async ({ adapter, found }, of) =>
      domain === undefined || domain === found.domain
        ? ((await adapter.copiesOfOwner?.(of, found, owner, mostCopies)) ?? [])
        : [],
    )) ?? []
  if (copies.length <= mostCopies) return copies
  throw new Failure(
    'usage',
    `the jobs of this owner have more than ${mostCopies.toLocaleString('en-US')} copies without an owner; nothing was erased`,
    { hint: 'name them by a value of their payload (--payload), or by their ids (--ids-file)' },
  )
}
