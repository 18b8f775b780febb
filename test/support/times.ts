/** What words of a time mean: a time, a number of seconds from now, the newest mark with a text, or a refusal with this part. */
export type Meaning = { at: string } | { seconds: number } | { mark: string } | { wrong: string }

interface Row {
  words: string
  past: Meaning
  future: Meaning
}

const both = (words: string, meaning: Meaning): Row => ({ words, past: meaning, future: meaning })
const away = (words: string, seconds: number): Row => ({ words, past: { seconds: -seconds }, future: { seconds } })
const wrong = 'must be a time such as 2026-01-31T12:00:00Z'

/** The grammar of times: the reader, each flag of the command line and each field of the dashboard are held by it. */
export const times: readonly Row[] = [
  both('2026-01-31T12:00:00Z', { at: '2026-01-31T12:00:00Z' }),
  both(' 2026-01-31t12:00:00z ', { at: '2026-01-31T12:00:00Z' }),
  both('2026-01-31T12:00:00.123456Z', { at: '2026-01-31T12:00:00.123456Z' }),
  both('2026-01-31T12:00:00+01:00', { at: '2026-01-31T11:00:00Z' }),
  both('2026-01-31T22:00:00.5-0330', { at: '2026-02-01T01:30:00.5Z' }),
  both('2026-01-31 12:00:00 UTC', { at: '2026-01-31T12:00:00Z' }),
  both('2026-01-31 12:00Z', { at: '2026-01-31T12:00:00Z' }),
  both('2024-02-29', { at: '2024-02-29T00:00:00Z' }),
  away('90', 90),
  away('45s', 45),
  away('15m', 900),
  away(' 2h ', 7200),
  away('30d', 30 * 86_400),
  away('1w', 7 * 86_400),
  { words: 'mark:deploy 4711', past: { mark: 'deploy 4711' }, future: { wrong: 'a mark is in the past' } },
  { words: 'mark: deploy 4711 ', past: { mark: 'deploy 4711' }, future: { wrong: 'a mark is in the past' } },
  { words: 'mark:', past: { wrong: 'needs the text of a mark' }, future: { wrong: 'a mark is in the past' } },
  both('2026-01-31T12:00:00', { wrong: 'must have its zone, such as 2026-01-31T12:00:00Z' }),
  both('2026-01-31 12:00', { wrong: 'must have its zone, such as 2026-01-31T12:00Z' }),
  ...[
    '2026-02-30',
    '2026-02-30T12:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:60:00Z',
    '2026-01',
    '0000-01-01',
  ].map((words) => both(words, { wrong })),
  ...['2026-01-31T12:00:00+16:00', 'yesterday', '1y', '-2h', '2h ago', '1.5h', '999999999d', '9'.repeat(30)].map(
    (words) => both(words, { wrong }),
  ),
  { words: '12:00', past: { wrong: 'must have its zone, such as 12:00Z' }, future: { wrong } },
  both('0', { wrong: 'must be at least 1s' }),
  both('0h', { wrong: 'must be at least 1s' }),
]
