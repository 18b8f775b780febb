import { type PruneGroup, type PruneRequest, prune } from '../../shared/changes/prune.ts'
import { stats } from '../../shared/queues/stats.ts'
import type { Context } from '../context.ts'
import type { PreviewDetails, Previewed } from '../guard/change.ts'
import type { Client } from '../http/client.ts'
import { queueColumn as queue } from '../output/queue-column.ts'
import type { Column } from '../output/table.ts'
import { groupedDigits, sumOf } from '../text/numbers.ts'
import { describeRequest } from './filtered.ts'
import { filterFieldsOf } from './request-fields.ts'

type Filters = Pick<PruneRequest, 'statuses' | 'older_than_days' | 'domain' | 'queue' | 'job_type'>

const columns: Column<PruneGroup>[] = [
  queue,
  { title: 'type', value: ({ job_type }) => job_type, gives: 'never' },
  { title: 'status', value: ({ status }) => status, gives: 'never' },
  { title: 'delete', value: ({ count }) => count },
  { title: 'keep', value: ({ keep }) => keep ?? 0 },
  { title: 'oldest', value: ({ oldest }) => oldest?.slice(0, 10) ?? '' },
]

const mostGroups = 20

/** The jobs that a prune would delete and keep, group by group. The total is the one of the preview, which the person confirms. */
export async function pruneDetails(
  { print }: Context,
  client: Client,
  request: Filters,
  { total, previews = [] }: Previewed<typeof prune.output>,
): Promise<PreviewDetails> {
  const { older_than_days } = request
  const { body } = await client.call(prune, { ...request, dry_run: true, detail_top_k: mostGroups, include_kept: true })

  const { kept = 0, groups = [] } = body
  const asOf = previews[0]?.as_of ?? new Date().toISOString()
  const before = new Date(Date.parse(asOf) - older_than_days * 86_400_000)
  const ended = `${before.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return {
    head: `Would delete finished jobs in ${describeRequest(request)} that ended before ${ended}`,
    table: {
      text: await print.table(columns, groups),
      jobs: sumOf(groups.map(({ count }) => count)),
    },
    sentence:
      `${groupedDigits(total)} of ${groupedDigits(total + kept)} finished jobs would be deleted` +
      `${await unfinishedText(client, request)}.`,
  }
}

/** `; 200 unfinished jobs are not eligible`; nothing beside a filter, with which stats compares no job. */
async function unfinishedText(client: Client, request: Filters): Promise<string> {
  if (Object.keys(filterFieldsOf(request)).length > 0) return ''
  const { domain, queue, job_type } = request
  const live = await client.call(stats, { domain, queue, job_type })
  const unfinished = sumOf(live.body.map((row) => row.queued + row.scheduled + row.processing))
  return `; ${groupedDigits(unfinished)} unfinished ${unfinished === 1 ? 'job is' : 'jobs are'} not eligible`
}
