import { describe, expect, it } from 'vitest'
import { escaped } from '../../cli/escape.ts'
import { columnsForPeople } from '../../cli/events/event-columns.ts'
import { progressReporter } from '../../cli/output/progress-bar.ts'
import { styleFor } from '../../cli/output/style.ts'
import { type Column, tableText } from '../../cli/output/table.ts'
import { wrapped } from '../../cli/output/wrap.ts'

interface Row {
  queue: string
  queued: number
  quarantined: number
}
const columns: Column<Row>[] = [
  { title: 'queue', value: ({ queue }) => queue, gives: 'never' },
  { title: 'queued', value: ({ queued }) => queued, zeros: 'drop' },
  { title: 'quarantined', short: 'quar', value: ({ quarantined }) => quarantined, zeros: 'drop' },
]

describe('a table at a narrow terminal', () => {
  it('drops columns of zeros and shortens titles before it cuts the name of a row', () => {
    const rows = [{ queue: 'chatbooks/default', queued: 0, quarantined: 12 }]
    expect(tableText(columns, rows, styleFor(false), 24)).toBe('QUEUE              QUAR\nchatbooks/default    12\n')
    expect(tableText(columns, rows, styleFor(false), 80)).toContain('QUEUED')
  })
})

it('one long name does not widen a table for all rows', () => {
  const queues = ['chatbooks/default', `chatbooks/${'x'.repeat(100)}`]
  const rows = queues.map((queue) => ({ queue, queued: 3, quarantined: 0 }))
  const [head = '', first = '', long = ''] = tableText(columns, rows, styleFor(false), 200).split('\n')
  expect(head.indexOf('QUEUED')).toBe(62)
  expect(first).toMatch(/^chatbooks\/default +3 +0$/)
  expect(long).toMatch(/^chatbooks\/x{49}… +3 +0$/)
})

it('the progress bar is cut by columns, not by characters', () => {
  let text = ''
  const note = (more: string) => {
    text += more
  }
  const io = { note, noteTerminal: true, columns: 40, env: {} }
  let time = 0
  const say = (jobs: string) => `deleted ${jobs} in 漢字漢字漢字漢字`
  const reporter = progressReporter({ io, quiet: false, say, before: 0, total: 200, now: () => time })
  time = 2000
  reporter.report({ operation_id: 1, affected: 100, total: 200, batches: 1, elapsed_ms: 2000 })
  const wide = [...text.replace('\r\u001b[K', '')].reduce((sum, one) => sum + (one > '\u2e80' ? 2 : 1), 0)
  expect(wide).toBeLessThanOrEqual(39)
})

it('characters without a width are escaped', () => {
  expect(escaped('a\u200bb\u2060c\ufeff')).toBe('a\\u200bb\\u2060c\\ufeff')
})

it('events show the id first, the date once a day, and reason and affected before other fields', () => {
  const event = { job_id: null, domain: null, queue: null, job_type: null, event_type: 'jobs.pruned' }
  const attrs = { zebra: 1, affected: 5, reason: 'disk' }
  const events = ['2026-11-24T14:06:03Z', '2026-11-24T14:06:04Z', '2026-11-25T00:00:00Z'].map((created_at, at) => ({
    ...{ ...event, id: at + 1, created_at, attrs },
  }))
  const [id, time, , , , detail] = columnsForPeople()
  const cells = (column: ReturnType<typeof columnsForPeople>[number] | undefined) =>
    events.map((one) => String(column?.value(Object.assign(one))).trim())
  expect(id?.title).toBe('id')
  expect(cells(time)).toEqual(['2026-11-24 14:06:03', '14:06:04', '2026-11-25 00:00:00'])
  expect(cells({ title: '', value: (one) => columnsForPeople().at(-1)?.value(one) ?? '' })[0]).toBe(
    'reason=disk affected=5 zebra=1',
  )
  expect(detail).toBeDefined()
})

it('long text wraps at spaces', () => {
  expect(wrapped('one two three four five six seven', 20)).toEqual(['one two three four', 'five six seven'])
})
