import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { changeOfPlan } from '../../changes/all.ts'
import type { Context } from '../../context.ts'
import { type BulkChange, countOf } from '../../guard/change.ts'
import { readPlan, requireSameServer } from '../../guard/plan-file.ts'
import { proposeChange } from '../../guard/propose.ts'
import type { Ending } from '../../output/print.ts'
import { groupedDigits, jobsText, sumOf } from '../../text/numbers.ts'

/**
 * Has the server plan the change of a plan file: makes its dry run again, and refuses more jobs than the file counted.
 * @throws Failure `usage` for a file that is no plan of this server; `conflict` where more jobs match by now
 */
export async function importPlan(context: Context, path: string): Promise<Ending> {
  const plan = await readPlan(path, context)
  await requireSameServer(context, path, plan, 'planned')
  if (plan.reason !== undefined) context.useReason(plan.reason)
  const counted = sumOf(plan.calls.map(({ preview }) => preview.count))
  const use = async <In extends z.ZodType, Out extends z.ZodType>(change: BulkChange<In, Out>): Promise<Ending> => {
    await compareCounts(context, change, counted)
    return proposeChange(context, change, { hasReason: plan.reason !== undefined })
  }
  return changeOfPlan(context, plan, use)
}

async function compareCounts<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  change: BulkChange<In, Out>,
  counted: number,
): Promise<void> {
  if (context.settings.curl) return
  const client = await context.client()
  const counts: number[] = []
  for (const request of change.requests)
    counts.push(countOf(change, (await client.call(change.endpoint, change.preview(request))).body))
  const now = sumOf(counts)
  if (now > counted)
    throw new Failure(
      'conflict',
      `${jobsText(now)} match by now, and the plan counted ${groupedDigits(counted)}; nothing was planned`,
      {
        hint: `preview it again: ${context.retyped([...change.words, '--dry-run', '--plan-out', '<file>'])}`,
      },
    )
  if (now < counted) context.print.aside(`note: ${jobsText(counted - now)} of the plan do not match any more`)
}
