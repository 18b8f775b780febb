import { rmSync } from 'node:fs'
import { chmod, mkdtemp, realpath } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import type { Campaign, Run } from './campaign.ts'
import { embedded } from './embedded/campaign.ts'
import { failover } from './failover/campaign.ts'
import { soak, stress, trust } from './soak/campaign.ts'
import { trouble } from './trouble/campaign.ts'

/**
 * Runs the campaign that the first argument names. Exits with 1 when a promise was broken, and with 2 when the command line is wrong.
 * Without a name it lists the campaigns.
 */
const campaigns: Record<string, Campaign> = { embedded, failover, soak, stress, trouble, trust }
const usage = 'usage: npm run campaign -- <name> [flags]'

const [name = '--help', ...argv] = process.argv.slice(2)
const campaign = campaigns[name]
if (!campaign) exitWithList()
else if (argv.includes('--help')) console.log(helpOf(campaign))
else await play(campaign)
process.exit()

function exitWithList(): never {
  const list = Object.entries(campaigns).map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
  const lines = [usage, '', ...list, '', 'npm run campaign -- <name> --help lists the flags.'].join('\n')
  if (name === '--help') console.log(lines)
  else console.error(`error: there is no campaign ${name}\n${lines}`)
  process.exit(name === '--help' ? 0 : 2)
}

/** What JSON Schema says of a flag. */
function flagsOf({ flags }: Campaign) {
  const Property = z.object({ type: z.string(), description: z.string(), default: z.unknown().optional() })
  const { properties = {} } = z.toJSONSchema(flags, { io: 'input' })
  const keep = {
    type: 'boolean',
    description: 'keeps the logs, which stay, too, when a promise was broken',
    default: false,
  }
  return Object.entries({ ...properties, keep }).map(([name, property]) => ({ name, ...Property.parse(property) }))
}

function helpOf(campaign: Campaign): string {
  const lines = flagsOf(campaign).map(({ name, type, description, default: usual }) => {
    const told = type === 'boolean' || name === 'seed' || usual === undefined || usual === '' ? '' : ` (${usual})`
    return `  --${name.padEnd(10)} ${description}${told}`
  })
  return [usage.replace('<name>', name), '', campaign.about, '', ...lines].join('\n')
}

/** Reads the command line. A mistake ends this process. */
function parsed(campaign: Campaign) {
  try {
    const options = flagsOf(campaign).map(
      ({ name, type }) => [name, { type: type === 'boolean' ? type : 'string', multiple: type === 'array' }] as const,
    )
    const { keep, ...values } = parseArgs({ args: argv, options: Object.fromEntries(options) }).values
    return { keep: keep === true, ...campaign.prepare(values) }
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : error
    console.error(`error: ${why}\n${helpOf(campaign)}`)
    return process.exit(2)
  }
}

async function play(campaign: Campaign): Promise<void> {
  const { keep, seed, run } = parsed(campaign)
  const picked = seed === undefined || argv.some((word) => word.startsWith('--seed')) ? [] : ['--seed', seed]
  console.log([name, ...argv, ...picked].join(' '))
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  const folder = await realpath(await mkdtemp(join(tmpdir(), `jobs-${name}-`)))
  await chmod(folder, 0o755)
  let handle: Parameters<Run['onSignal']>[0] | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      console.log(`${name}: ${signal}`)
      if (handle) handle()
      else process.exit(128 + constants.signals[signal])
    })
  }
  // Each process that was launched is killed by an earlier listener of this event. The folder goes after them.
  process.once('exit', (code) => {
    if (keep || code === 1) console.log(`The logs are in ${folder}.`)
    else rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  })
  const broken = await run({
    folder,
    log: (what) => console.log(`${seconds().toFixed(1)} s  ${what}`),
    onSignal(given) {
      handle = given
    },
  })
  const took = `after ${Math.round(seconds())} s`
  console.log(broken === 0 ? `\nEvery promise was kept, ${took}.` : `\n${broken} promises were broken, ${took}.`)
  process.exitCode = broken === 0 ? 0 : 1
}
