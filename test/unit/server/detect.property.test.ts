import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roles } from '../../../server/database/queue-like/words.ts'
import { fittedMap } from '../../../server/engines/detect/fitted-map.ts'
import type { Column, Table } from '../../../server/engines/mapped/table.ts'

const words = roles.flatMap(([, names]) => names)
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...words) },
  { weight: 2, arbitrary: fc.constantFrom(...words).map((word) => word.toUpperCase()) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'id',
      'null',
      'no',
      'a.b',
      'a"b',
      "a'b",
      'a: b',
      '# a',
      '- a',
      '__proto__',
      'constructor',
      'lock_version',
      '0',
      '~',
    ),
  },
  { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }) },
)
const base = fc.constantFrom(
  'int2',
  'int4',
  'int8',
  'text',
  'varchar',
  'bpchar',
  'bool',
  'timestamptz',
  'timestamp',
  'date',
  'uuid',
  'json',
  'jsonb',
  'numeric',
  'bytea',
  'mood',
)

const column: fc.Arbitrary<Column> = fc
  .record({
    name,
    base,
    required: fc.boolean(),
    isGenerated: fc.boolean(),
    isNumbered: fc.boolean(),
    fallback: fc.option(fc.constantFrom('0', "'new'::text", "'it''s'::text", 'now()', 'true', "nextval('s')", '(-1)')),
    labels: fc.array(fc.constantFrom('new', 'done', 'failed', 'paused', 'yes', 'a b', '1'), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map((made) => ({
    ...made,
    quoted: `"${made.name.replaceAll('"', '""')}"`,
    type: `pg_catalog.${made.base}`,
    modifier: -1,
    compared: `pg_catalog.${made.base}`,
    declared: `pg_catalog.${made.base}`,
    labels: made.base === 'mood' ? [...new Set(made.labels)] : null,
  }))

const table: fc.Arbitrary<Table> = fc
  .record({
    columns: fc.uniqueArray(column, { selector: (one) => one.name, maxLength: 25 }),
    nspname: name,
    relname: name,
    indexed: fc.array(fc.tuple(fc.nat(), fc.boolean(), fc.boolean()), { maxLength: 4 }),
    referredBy: fc.array(fc.constantFrom('app.deliveries', 'app."o\ndd"'), { maxLength: 2 }),
    triggers: fc.array(fc.record({ name, partition: fc.constant(null), events: fc.constant('update') }), {
      maxLength: 2,
    }),
  })
  .map(({ columns, nspname, relname, indexed, referredBy, triggers }) => ({
    relation: `"${nspname}"."${relname}"`,
    schema: `"${nspname}"`,
    nspname,
    kind: 'r',
    columns: new Map(columns.map((one) => [one.name, one])),
    followed: [],
    childTables: [],
    partitionedBy: [],
    indexes: indexed.map(([at, isUnique, isPartial]) => ({
      name: 'i',
      columns: columns.length === 0 ? [] : [columns[at % columns.length]?.name ?? ''],
      isUnique,
      isPartial,
      isOrdered: true,
    })),
    references: [],
    referredBy,
    triggers,
    rows: -1,
    isRowSecured: false,
    fingerprint: '',
  }))

const count = fc.nat({ max: 20 })
const evidence = fc.record({
  facts: fc.option(
    fc.record({ rows: count, milliseconds: fc.array(name).map((names) => new Set(names)), endedWithError: count }),
    { nil: undefined },
  ),
  values: fc.option(
    fc.array(
      fc.record({
        value: fc.option(
          fc.oneof(
            fc.constantFrom(
              'new',
              'done',
              'failed',
              'running',
              'cancelled',
              '0',
              '1',
              '-1',
              'no',
              'null',
              'not null',
              '',
            ),
            fc.string(),
          ),
        ),
        rows: count,
        locked: count,
        failed: count,
        ended: count,
      }),
      { maxLength: 6 },
    ),
    { nil: undefined },
  ),
  checked: fc.array(fc.constantFrom('new', 'done', 'odd', "it's"), { maxLength: 3 }),
})

describe('the proposal of a map', () => {
  it('is a map that is read, and names columns that fit, whatever the table', async () => {
    await fc.assert(
      fc.asyncProperty(table, evidence, async (one, seen) => {
        const { lines, faults, questions } = await fittedMap(one, { table: 'jobs', inMap: 'app.jobs' }, seen)
        const text = lines.join('\n')
        // What does not fit is what somebody is asked about: the key, the time of the creation, or the state.
        const open = faults.filter(({ path: [field] }) => !['key', 'times', 'status'].includes(String(field)))
        expect(open, text).toEqual([])
        if (faults.length > 0) expect(questions, text).toBeGreaterThan(0)
      }),
      { numRuns: 200 },
    )
  })
})
