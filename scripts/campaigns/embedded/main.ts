import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeCampaign, rowOf } from './campaign.ts'
import { cases } from './cases/all.ts'
import { printTable, type Row } from './report.ts'

/**
 * Lets the embedded database get into each kind of trouble again and again, under calls over HTTP. Each round looks whether
 * all that was confirmed is there afterwards, calls were answered and processes ended within their limits, and the log names
 * the cause. Exits with 1 when something else came than what is promised.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string' },
    // Words of a case, such as disk.
    only: { type: 'string', default: '' },
  },
})
const rounds = Number(values.rounds)
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  throw new Error('--rounds and --seed are whole numbers')
}
const chosen = cases.filter(({ name }) => name.includes(values.only))
if (chosen.length === 0) throw new Error(`--only is a word of: ${cases.map(({ name }) => name).join(', ')}`)

console.log(`embedded: ${rounds} rounds of each case, seed ${seed}`)
const began = performance.now()
const home = await realpath(await mkdtemp(join(tmpdir(), 'jobs-embedded-')))
await chmod(home, 0o711) // servers of another user reach their folders
let stopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopping = true
    console.log(`${signal}: this round is the last one`)
  })
}
const rows: Row[] = []
try {
  const campaign = await makeCampaign({ home, seed })
  for (const each of chosen) {
    const row = await rowOf(each)
    if (row) rows.push(row)
  }
  // Round by round, so that a run that is stopped has played each case.
  for (let at = 0; at < rounds; at += 1) {
    for (const row of rows) if (!stopping) await campaign.play(row, at)
  }
} finally {
  await rm(home, { recursive: true, force: true })
}
printTable(rows)
const lies = rows.reduce((sum, row) => sum + row.lies.length, 0)
const took = `${Math.round((performance.now() - began) / 1000)} s; seed ${seed}`
console.log(lies === 0 ? `\nAll promises were kept, after ${took}.` : `\n${lies} lies, after ${took}.`)
process.exit(lies === 0 ? 0 : 1)
