import { alteredTables, roleOfErrors, rowsAfterErrors } from '../../scripts/build/driver/statement-errors.ts'
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
