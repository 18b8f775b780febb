import { exportOperations as endpoint } from '../../../shared/records/export.ts'
import { escaped, escapedJson } from '../../../shared/text/escape.ts'
import { answerOf } from '../../answer-of.ts'
import type { Context } from '../../context.ts'
import type { Ending } from '../../output/print.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { groupedDigits } from '../../text/numbers.ts'

interface Range {
  since: string | undefined
  until: string | undefined
}

/** What an export needs to be continued, and what it lacks. */
interface Exported {
  records: number
  withheld: number
  last: string | undefined
}

/**
 * Writes the sealed records of a time in the order of the chain, a line of JSON each, page by page. The first line names the hash
 * before it, and each next one the hash of the line before. The form is the same with every output format.
 */
export async function exportRecords(context: Context, { since, until }: Range): Promise<Ending> {
  const { io, print } = context
  const range = parseInput(endpoint.input, {
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  })
  const asked = { since: range.since, until: range.until }
  const done: Exported = { records: 0, withheld: 0, last: undefined }
  for (let after = {}; !io.outGone(); ) {
    const answer = await answerOf(context, endpoint, { ...asked, ...after })
    if (!answer) return 'ok'
    const { body } = answer
    const last = body.at(-1)
    if (!last) break
    print.text(body.map((record) => `${escapedJson(JSON.stringify(record))}\n`).join(''))
    done.records += body.length
    done.withheld += body.filter(({ sealed }) => sealed === null).length
    done.last = last.hash
    after = { after_id: String(last.id) }
  }
  print.aside(summaryOf(done))
  return 'ok'
}

function summaryOf({ records, withheld, last }: Exported): string {
  if (last === undefined) return 'no record was sealed in this time'
  const hidden = withheld === 0 ? '' : `; the text of ${groupedDigits(withheld)} is hidden from this caller`
  return `${groupedDigits(records)} ${records === 1 ? 'record' : 'records'}${hidden}; the last hash is ${escaped(last)}`
}
