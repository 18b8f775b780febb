import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import width from 'string-width'
import { expect, it } from 'vitest'
import { draw } from '../../../cli/commands/top/draw.ts'
import { signsFor } from '../../../cli/commands/top/fit.ts'
import { createModel } from '../../../cli/commands/top/model.ts'
import { firstState } from '../../../cli/commands/top/state.ts'
import { styleFor } from '../../../cli/output/style.ts'

const text = fc.string({ unit: 'binary', maxLength: 60 })
const count = fc.maxSafeNat()
const time = fc.oneof(
  fc.constant(null),
  text,
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
)
const group = fc.record({
  ...{ domain: text, queue: text, job_type: text },
  ...{ queued: count, scheduled: count, processing: count, quarantined: count },
  ...{ oldest_due: time, entered: count, ended: count, untold: count },
})
const stopped = fc.record({
  ...{ domain: text, queue: text, paused: fc.boolean(), drain: fc.boolean(), updated_at: time, reason: time },
})
const operation = fc.record({
  ...{ id: count, kind: text, domain: time, queue: time, job_type: time, caller: text, reason: time },
  ...{ affected: count, previewed: fc.oneof(fc.constant(null), count), started_at: text },
})
const state = fc.record({
  ...{ order: fc.constant(firstState.order), filter: fc.oneof(fc.constant(''), text), chosen: fc.constant(undefined) },
  help: fc.boolean(),
  typing: fc.oneof(
    fc.constant(undefined),
    fc.record({
      what: fc.constant('reason' as const),
      text,
      queue: fc.record({ domain: text, queue: text, action: fc.constant('pause' as const) }),
    }),
  ),
  message: fc.oneof(fc.constant(undefined), fc.record({ text, isError: fc.boolean() })),
})

it('the screen fits every terminal, and acts on no text of others', () => {
  const view = fc.record({
    groups: fc.array(group, { maxLength: 30 }),
    stopped: fc.array(stopped, { maxLength: 5 }),
    operations: fc.array(operation, { maxLength: 5 }),
    ...{ state, away: fc.oneof(fc.constant(undefined), fc.record({ since: fc.constant(new Date(0)), why: text })) },
    ...{ columns: fc.integer({ min: 1, max: 220 }), rows: fc.integer({ min: 1, max: 60 }), utf8: fc.boolean() },
  })
  fc.assert(
    fc.property(view, ({ groups, stopped, operations, columns, rows, utf8, ...more }) => {
      const model = createModel()
      model.take({ as_of: '', groups, gone: [], stopped, operations }, true, 0)
      model.tick()
      const signs = signsFor({ LANG: utf8 ? 'C.UTF-8' : 'C' })
      const shown = {
        rows: model.rows(5000),
        stopped,
        operations,
        server: 'h:1',
        source: 'live',
        canPause: true,
        isBare: false,
        now: Date.now(),
      }
      const lines = draw({ ...shown, ...more }, { columns, rows, signs, style: styleFor(true) })
      expect(lines).toHaveLength(rows)
      for (const line of lines) {
        const plain = stripVTControlCharacters(line)
        expect(width(plain)).toBeLessThanOrEqual(columns)
        expect(plain).not.toMatch(/\p{Cc}/u)
        if (!utf8) expect(plain).toMatch(/^[\x20-\x7e]*$/)
      }
    }),
  )
})
