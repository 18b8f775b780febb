import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { randomFrom } from './random.ts'

/**
 * Cuts the power of the embedded database again and again, and looks each time whether it opens and has every confirmed
 * change. Every fifth round begins with a new database, so that the power is also cut while a database is made. Exits
 * with 1 when a round fails. With --no-fsync, as JOBS_EMBEDDED_FSYNC=false has it, rounds are expected to fail.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string' },
    'no-fsync': { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  throw new Error('--rounds and --seed are whole numbers')
}

const random = randomFrom(seed)
const program = (name: string, ...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(new URL(name, import.meta.url)), ...args], {
    encoding: 'utf8',
    timeout: 300_000,
  })

/** The error of a program whose stack trace shows a whole bundled file before it. */
const lastError = (text: string): string =>
  text.split('\n').findLast((line) => /^\w*Error: /.test(line)) ?? text.slice(-500)

console.log(`embedded: ${rounds} rounds, seed ${seed}`)
const home = await mkdtemp(join(tmpdir(), 'jobs-embedded-'))
const [folder, confirmations] = [join(home, 'database'), join(home, 'confirmed')]
let failed = 0
let damaged = false
for (let round = 0; round < rounds; round += 1) {
  if (round % 5 === 0 || damaged) {
    await rm(folder, { recursive: true, force: true })
    await writeFile(confirmations, '')
  }
  const cutAfter = String(Math.floor(500 + random() * 6000))
  const victim = program(
    'victim.ts',
    folder,
    confirmations,
    String(round + seed),
    cutAfter,
    String(!values['no-fsync']),
  )
  if (victim.status !== 99) throw new Error(`the power was not cut: ${victim.stdout}${lastError(victim.stderr)}`)
  const check = program('check.ts', folder, confirmations)
  damaged = check.status !== 0
  if (damaged) failed += 1
  console.log(`round ${round + 1}, cut after ${cutAfter} operations: ${check.stdout.trim() || lastError(check.stderr)}`)
}
await rm(home, { recursive: true, force: true })
console.log(failed === 0 ? '\nNothing confirmed was lost.' : `\n${failed} rounds failed; seed ${seed}`)
process.exitCode = failed === 0 ? 0 : 1
