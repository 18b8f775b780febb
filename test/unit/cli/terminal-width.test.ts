import { describe, expect, it } from 'vitest'
import { progressReporter } from '../../../cli/output/progress-bar.ts'
import { styleFor } from '../../../cli/output/style.ts'
import { type Column, growingTable, tableText } from '../../../cli/output/table.ts'
import { wrapped } from '../../../cli/text/wrap.ts'
import { escaped } from '../../../shared/text/escape.ts'

const room = (columns: number, lines = 24) => ({ columns, lines })

it('leaves columns out from the right where their titles have no room, and says which', () => {
  const names = ['id', 'status', 'created_at', 'acquired_at', 'completed_at']
  const columns = names.map((title): Column<number> => ({ title, value: (row) => `${title} of ${row}` }))
  const text = tableText(columns, [1, 2], styleFor(false), room(42))
  expect(text).toMatch(/^ID +STATUS +CREATED_AT *\nid of 1 +status of 1 +created_at of 1\n/)
  expect(text).toContain('no room for acquired_at, completed_at: a\nwider terminal shows all, and so does\n--tsv\n')
  expect(text).not.toContain('…A')
  expect(tableText(columns, [1, 2], styleFor(false), room(100))).not.toContain('no room')
  // Of a preview --tsv prints a sentence.
  const part = tableText(columns, [1, 2], styleFor(false), { ...room(42), isPart: true })
  expect(part).toContain('no room for acquired_at, completed_at: a\nwider terminal shows all\n')
})

it('shows the head again where a table is higher than the terminal', () => {
  const columns: Column<number>[] = [{ title: 'id', value: (row) => row }]
  const rows = Array.from({ length: 50 }, (_, at) => at)
  const lines = tableText(columns, rows, styleFor(false), room(80)).trimEnd().split('\n')
  expect(lines.flatMap((line, at) => (line.trim() === 'ID' ? [at] : []))).toEqual([0, 23, 46])
  expect(tableText(columns, rows, styleFor(false), room(80, 60)).split('ID')).toHaveLength(2)
})

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
    expect(tableText(columns, rows, styleFor(false), room(24))).toBe(
      'QUEUE              QUAR\nchatbooks/default    12\n',
    )
    expect(tableText(columns, rows, styleFor(false), room(80))).toContain('QUEUED')
  })
})

it('titles are cut before cells, and what names a row is cut last', () => {
  const words: Column<Row>[] = [
    { title: 'queue', value: ({ queue }) => queue, gives: 'never' },
    { title: 'quarantined', value: ({ quarantined }) => quarantined },
    { title: 'a long title', value: () => 'completed' },
  ]
  const rows = [{ queue: 'chatbooks/default', queued: 0, quarantined: 12 }]
  const lines = (most: number) => tableText(words, rows, styleFor(false), room(most)).trimEnd().split('\n')
  expect(lines(40)).toEqual(['QUEUE              QUARANTI…  A LONG TI…', 'chatbooks/default         12  completed'])
  expect(lines(36)[1]).toBe('chatbooks/default      12  completed')
  expect(lines(28)).toEqual([
    expect.stringMatching(/^QUEUE +QUARAN/),
    expect.stringMatching(/^chatbooks\/default +12$/),
    'no room for a long title: a',
    'wider terminal shows all,',
    'and so does --tsv',
  ])
  expect(lines(20)[1]).toMatch(/^chatbooks\/.*12$/)
})

it('one long name does not widen a table for all rows', () => {
  const queues = ['chatbooks/default', `chatbooks/${'x'.repeat(100)}`]
  const rows = queues.map((queue) => ({ queue, queued: 3, quarantined: 0 }))
  const [head = '', first = '', long = ''] = tableText(columns, rows, styleFor(false), room(200)).split('\n')
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

describe('a table that grows', () => {
  const wide: Column<string>[] = [
    { title: 'id', value: (row) => row, gives: 'never' },
    { title: 'event', value: () => 'job.completed' },
    { title: 'queue', value: () => 'chatbooks/default' },
  ]
  const parts = (most: number, lines: number, ...rows: string[][]) => {
    const write = growingTable(wide, styleFor(false), room(most, lines))
    return rows.map((part) => write(part)).join('')
  }

  it.each([80, 60, 40, 30, 20])('has no row that is wider than %i columns', (most) => {
    const lines = parts(most, 24, ['1'], ['2'], ['12345678901']).split('\n')
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(most)
  })

  it('leaves a column out once it has no room any more, and says so above its next head', () => {
    expect(parts(40, 24, ['1'], ['12345678901'], ['2']).trimEnd().split('\n')).toEqual([
      'ID  EVENT          QUEUE',
      '1   job.completed  chatbooks/default',
      'no room for queue: a wider terminal',
      'shows all, and so does --tsv',
      'ID           EVENT',
      '12345678901  job.completed',
      '2            job.completed',
    ])
  })

  it('shows its head again after each screen of rows, and once where nobody has a screen', () => {
    const rows = Array.from({ length: 50 }, (_, at) => [String(at)])
    const heads = (text: string) => text.split('\n').flatMap((line, at) => (line.startsWith('ID') ? [at] : []))
    expect(heads(parts(80, 24, ...rows))).toEqual([0, 23, 46])
    expect(heads(parts(80, Number.POSITIVE_INFINITY, ...rows))).toEqual([0])
  })
})
