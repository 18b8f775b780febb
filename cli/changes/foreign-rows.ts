import type { ForeignRows, Preview } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import { groupedDigits } from '../text/numbers.ts'

type Previewed = Pick<Preview, 'foreign_rows'> | undefined

const rowsText = ({ table, rows }: ForeignRows): string =>
  `${escaped(table)} ${rows === null ? '(unknown)' : groupedDigits(rows)}`

const partsOf = (preview: Previewed) => {
  const rows = preview?.foreign_rows ?? []
  const isDeleted = ({ action }: ForeignRows) => action === 'deleted'
  return { deleted: rows.filter(isDeleted), changed: rows.filter((row) => !isDeleted(row)) }
}

/** What becomes of rows of other tables; undefined where there are none, or the server does not say. */
export function foreignNote(preview: Previewed): string | undefined {
  const { deleted, changed } = partsOf(preview)
  const texts = [
    ...(deleted.length > 0
      ? [`rows that go along, which no undo gives back: ${deleted.map(rowsText).join(', ')}`]
      : []),
    ...(changed.length > 0 ? [`rows that lose their job: ${changed.map(rowsText).join(', ')}`] : []),
  ]
  return texts.length > 0 ? texts.join('; ') : undefined
}

/** The refusal of a prune that would delete rows of other tables. */
export function foreignRefusal(preview: Previewed, goAhead: string): Failure | undefined {
  const { deleted } = partsOf(preview)
  if (deleted.length === 0) return undefined
  const detail = 'rows of other tables would be deleted along, and no undo gives them back'
  return new Failure('foreign_rows', `${detail}: ${deleted.map(rowsText).join(', ')}; nothing was changed`, {
    hint: `to delete them, too: ${goAhead}`,
  })
}
