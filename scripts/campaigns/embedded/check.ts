import { readFileSync } from 'node:fs'
import { WatchedFiles } from '../../../server/database/embedded-files.ts'
import { makeDatabase } from '../../../server/database/embedded-make.ts'
import { openPglite } from '../../../server/database/embedded-open.ts'

/** Opens the database after a power cut, and prints each confirmed change that is missing. Exits with 1 when one is. */
const [folder = '', confirmations = ''] = process.argv.slice(2)
const open = (at: string) =>
  openPglite(new WatchedFiles(at, { fsync: true, touched: () => {}, aborted: (why) => console.log(why) }), true)
await makeDatabase({ folder, open, fsync: true })
const database = await open(folder)

const confirmed = new Map<number, number>()
for (const line of readFileSync(confirmations, 'utf8').split('\n').filter(Boolean)) {
  const [id = 0, value = 0] = line.split(' ').map(Number)
  confirmed.set(id, value)
}
const kept = new Map<number, number>()
if (confirmed.size > 0) {
  const { rows } = await database.query<{ id: number; value: number }>('select id, value from kept')
  for (const { id, value } of rows) kept.set(id, value)
}
const lost = [...confirmed].filter(([id, value]) => (kept.get(id) ?? 0) < value)
for (const [id, value] of lost) console.log(`row ${id}: value ${value} was confirmed, and ${kept.get(id)} is there`)
console.log(`${confirmed.size} rows were confirmed, ${lost.length} of them have lost a change`)
await database.close()
process.exit(lost.length === 0 ? 0 : 1)
