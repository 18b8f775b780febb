import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { escaped } from '../../../shared/text/escape.ts'
import { commandLine, quoted } from '../../../shared/text/shell.ts'

const characters = fc.constantFrom(...'\u202e\u200f\u200b\ufeff\u009b\u001b\n\t\'"\\$`!{}() a7é😀\u2028')

it('a word that is pasted into a shell is the same word, and nothing in it acts on the terminal', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: characters, minLength: 1 }), { minLength: 20, maxLength: 60 }), (words) => {
      const line = commandLine(words)
      expect(escaped(line)).toBe(line)
      const out = execFileSync('bash', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8', env: { LC_ALL: 'C' } })
      expect(out.split('\0').slice(0, -1)).toEqual(words)
    }),
    { numRuns: 20 },
  )
})

it('words are quoted only where a shell needs it', () => {
  expect(['a/b', 'a b', "it's", '', "\u202ex'\\"].map(quoted)).toEqual([
    'a/b',
    "'a b'",
    "'it'\\''s'",
    "''",
    "$'\\342\\200\\256x\\'\\\\'",
  ])
})
