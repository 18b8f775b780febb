import { describe, expect, it } from 'vitest'
import { progressReporter } from '../../../cli/output/progress-bar.ts'
import { styleFor } from '../../../cli/output/style.ts'
import { type Column, tableText } from '../../../cli/output/table.ts'
import { wrapped } from '../../../cli/output/wrap.ts'
import { escaped } from '../../../shared/escape.ts'

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

it('titles are cut before cells, and what names a row is cut last', () => {
  const words: Column<Row>[] = [
    { title: 'queue', value: ({ queue }) => queue, gives: 'never' },
    { title: 'quarantined', value: ({ quarantined }) => quarantined },
    { title: 'a long title', value: () => 'completed' },
  ]
  const rows = [{ queue: 'chatbooks/default', queued: 0, quarantined: 12 }]
  const lines = (most: number) => tableText(words, rows, styleFor(false), most).trimEnd().split('\n')
  expect(lines(40)).toEqual(['QUEUE              QUARANTI…  A LONG TI…', 'chatbooks/default         12  completed'])
  expect(lines(33)[1]).toBe('chatbooks/default   12  completed')
  expect(lines(28)[1]).toMatch(/^chatbooks\/default +12 {2}com…$/)
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

it('long text wraps at spaces', () => {
  expect(wrapped('one two three four five six seven', 20)).toEqual(['one two three four', 'five six seven'])
})
