import {
  alteredTables,
  cancelledTypes,
  roleOfErrors,
  rowsAfterErrors,
} from '../../scripts/build/driver/statement-errors.ts'
import { reproduces } from './reproduces.ts'
import { echo } from './scripted-postgres.ts'

reproduces(
  roleOfErrors,
  'an error has the role of its session',
  async ({ server, connect }) => {
    server.answer(() => ({ error: { code: '42501' } }))
    return connect()`fails`.catch(({ role }) => role)
  },
  'ann',
)

reproduces(
  rowsAfterErrors,
  'a statement that fails behind rows leaves none in the next result',
  async ({ server, connect, outcome }) => {
    const sql = connect()
    server.answer((statement) =>
      statement.text === 'fails' ? { rows: ['1', '2'], error: { code: '22012' } } : echo(statement),
    )
    return [await outcome(sql`fails`), await outcome(sql`next`)]
  },
  ['22012', ['next']],
)

reproduces(
  alteredTables,
  'a statement whose table was altered fails, and the statements around it have their own results',
  async ({ server, connect, outcome }) => {
    const sql = connect()
    const look = (text: string) => sql`select ${text}`
    await look('prepares')
    server.answer((statement) =>
      statement.parameters[0] === 'fails'
        ? { error: { code: '0A000', routine: 'RevalidateCachedQuery' } }
        : echo(statement),
    )
    const failing = outcome(look('fails'))
    const behind = sql`behind`.then(([row]) => Promise.all([row?.value, outcome(sql`afterwards`)]))
    const all = await Promise.all([failing, outcome(behind)])
    return [...all, await outcome(look('again'))]
  },
  ['0A000', ['behind', ['afterwards']], ['again']],
)

reproduces(
  cancelledTypes,
  'a connection whose question for the types of arrays was cancelled ends, and the next one asks again',
  async ({ server, connect, outcome }) => {
    let asked = 0
    server.answer((statement) => {
      if (!statement.text.includes('typcategory')) return echo(statement)
      asked += 1
      return asked === 1 ? { error: { code: '40001' } } : { rows: [] }
    })
    const sql = connect({ fetch_types: true })
    return [await outcome(sql`fails`), await outcome(sql`next`), asked]
  },
  ['40001, unsent', ['next'], 2],
)
