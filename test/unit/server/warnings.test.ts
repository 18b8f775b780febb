import { expect, it } from 'vitest'
import { warningsOf } from '../../../server/http/mcp/warnings.ts'

it('tells agents of a rule that does not run, beside one that has run well', () => {
  const rule = (name: string, state: string, last: object) => ({
    ...{ name, next_at: '2026-01-02T00:00:00Z', last: { state, ...last } },
  })
  const policy = {
    ...{ applied: { caller: 'boss' }, author_until: null },
    // The second problem is withheld; with JOBS_AGENT_FIELDS=problem the first is given as null.
    rules: [rule('good', 'done', { problem: null }), rule('bad', 'failed', {})],
  }
  expect(warningsOf({ policy }, Date.parse('2026-01-01T00:00:00Z'))).toEqual([
    {
      check: 'policy',
      detail: { untrusted_text: expect.stringContaining('rule bad is failed: withheld') },
      hint: { untrusted_text: 'jobsctl policy show' },
    },
  ])
})
