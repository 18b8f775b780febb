import { closeSync, openSync, writeSync } from 'node:fs'
import { makeDatabase } from '../../../server/database/embedded-make.ts'
import { openPglite } from '../../../server/database/embedded-open.ts'
import { LossyFiles } from './lossy-files.ts'
import { randomFrom } from './random.ts'

/**
 * Changes rows until the power is cut, which ends the process with exit code 99. Each confirmed change is a line
 * `<row> <value>` of the file of confirmations, which loses nothing.
 */
const [folder = '', confirmations = '', seed = '0', cutAfter = '0', fsync = 'true'] = process.argv.slice(2)
const random = randomFrom(Number(seed))
const confirmed = openSync(confirmations, 'a')
const chance = [0.1, 0.5, 0.9, 1][Math.floor(random() * 4)] ?? 1
const cut = (): never => process.exit(99)
const durable = fsync === 'true'
const open = (at: string) =>
  openPglite(new LossyFiles(at, { fsync: durable, cutAfter: Number(cutAfter), chance, random, cut }), durable)

await makeDatabase({ folder, open, fsync: durable })
const database = await open(folder)
await database.exec('create table if not exists kept (id integer primary key, value integer not null, filler text)')
for (let value = 1; ; value += 1) {
  const id = Math.floor(random() * 200)
  const { rows } = await database.query<{ value: number }>(
    `insert into kept (id, value, filler) values ($1, 1, repeat('x', $2))
     on conflict (id) do update set value = kept.value + 1, filler = excluded.filler
     returning value`,
    [id, Math.floor(random() * 3000)],
  )
  writeSync(confirmed, `${id} ${rows[0]?.value}\n`)
  if (random() < 0.02) await database.exec('checkpoint')
  if (random() < 0.01) await database.exec('select pg_switch_wal()')
  if (value === 100_000) break
}
closeSync(confirmed)
