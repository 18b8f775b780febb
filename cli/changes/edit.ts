import { restoreDigits } from '../../sdk/call/exact-json.ts'
import { type EditedJobs, edit, type LeftOut } from '../../shared/changes/edit.ts'
import { escaped, escapedJson } from '../../shared/text/escape.ts'
import type { Context } from '../context.ts'
import type { PreviewDetails, Previewed } from '../guard/change.ts'
import type { Client } from '../http/client.ts'
import type { Ending } from '../output/print.ts'
import type { Canaries } from '../settings/flags/canary-flags.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'
import { besideRefused, broughtBackBeside, joinedNotes } from './dependents.ts'
import { type FilteredRequest, filteredChange, guardFiltered } from './filtered.ts'

interface Editing {
  request: FilteredRequest
  words: readonly string[]
  canaries: Canaries | undefined
}

/** How many jobs the hint of an edit tries first: fewer than it would edit. */
const mostTried = 5

/** Guards an edit; a person who edits many jobs is told how to try a few first. */
export function guardEdit(
  context: Context,
  flags: { mustExist?: boolean; idsFile?: string },
  { request, words, canaries }: Editing,
): Promise<Ending> {
  const change = editChange(request, words)
  const isMany = canaries === undefined && request.job_id === undefined && request.ids === undefined
  const details: typeof change.details = async (client, previewed) => {
    const { below } = await change.details(client, previewed)
    const few = Math.min(mostTried, previewed.total - 1)
    const first = `To try ${few} of them first:  ${context.retyped([...words, '--canary', String(few)])}\n`
    return { below: `${below ?? ''}${previewed.total > 1 ? first : ''}` }
  }
  return guardFiltered(context, flags, isMany ? { ...change, details } : change, canaries)
}

/** An edit of jobs, for the guard. */
export const editChange = (request: FilteredRequest, words: readonly string[]) => ({
  ...filteredChange({ name: 'edit', endpoint: edit, request, words }),
  along: 'brought back' as const,
  details: async (_client: Client, { answers }: Previewed<typeof edit.output>): Promise<PreviewDetails> => {
    const [answer] = answers
    return answer?.examples?.length ? { below: `${answer.examples.flatMap(exampleLines).join('\n')}\n` } : {}
  },
  beside: (answer: EditedJobs) => {
    const { left_out, examples } = answer
    const { facts, note } = broughtBackBeside(answer)
    const stays = besideRefused('edited')(answer)
    return {
      facts: { ...facts, ...stays.facts, ...(left_out && { left_out }), ...(examples && { examples }) },
      note: joinedNotes([note, stays.note, ...leftOutNotes(left_out)]),
    }
  },
})

type Example = NonNullable<EditedJobs['examples']>[number]

/** `job 8123`, then for each value a line with - as it is and a line with + as it would be. */
const exampleLines = ({ job_id, differences }: Example): string[] => [
  `job ${escaped(String(job_id))}`,
  ...differences.flatMap((difference) => [
    ...(difference.before === undefined ? [] : [`  - ${lineOf(difference.path, difference.before)}`]),
    ...(difference.after === undefined ? [] : [`  + ${lineOf(difference.path, difference.after)}`]),
  ]),
]

const longestValue = 200

function lineOf(path: string, value: unknown): string {
  const text = restoreDigits(escapedJson(JSON.stringify(value)))
  return `${escaped(path)}: ${text.length > longestValue ? `${text.slice(0, longestValue)}…` : text}`
}

/** What the edit leaves as it is, and what it would add or replace. */
function leftOutNotes(found: LeftOut | undefined): string[] {
  if (!found) return []
  const left = [
    [found.already_so, 'already so'],
    [found.not_as_asked, 'without the values of --if'],
    [found.running, 'running'],
    [found.failed, 'failed, which --then retry takes'],
    [found.ended, 'completed or cancelled'],
  ] as const
  const parts = left.flatMap(([count, what]) => (count > 0 ? [`${groupedDigits(count)} ${what}`] : []))
  return [
    ...(parts.length > 0 ? [`note: left as they are: ${parts.join(', ')}`] : []),
    ...(found.lack_path > 0
      ? [`note: in ${jobsText(found.lack_path)} a value is not there yet, and would be added`]
      : []),
    ...(found.other_type > 0
      ? [`note: in ${jobsText(found.other_type)} a value of another type would be replaced`]
      : []),
  ]
}
