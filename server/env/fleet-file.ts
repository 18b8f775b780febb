import { dirname, resolve } from 'node:path'
import * as z from 'zod'
import { Failure } from '../../shared/errors.ts'
import { faultsOfIssue } from '../../shared/faults.ts'
import { escaped } from '../../shared/text/escape.ts'
import { errorText } from '../log/system-error.ts'
import { isPublicUrl } from './public-url.ts'
import { readSmallFile } from './read-small-file.ts'

const largestFile = 262_144
const mostServers = 200

/** Another server, whose dashboard this one links to. */
const FleetServer = z.strictObject({
  name: z.string().regex(/^[^\p{Cc}]{1,64}$/u, 'must have 1 to 64 characters'),
  /** By which browsers and this server reach it, without a slash at its end. */
  url: z
    .string()
    .max(500, 'must have at most 500 characters')
    .refine(
      isPublicUrl,
      'must be the https URL of a server such as https://ops.example/jobs, without a user and a query; http is for this machine alone',
    )
    .transform((url) => url.replace(/\/+$/, '')),
  /** The file with its token. */
  token_file: z.string().min(1, 'must name a file'),
})
export type FleetServer = z.output<typeof FleetServer>

const FleetFile = z.strictObject({
  servers: z
    .array(FleetServer)
    .max(mostServers, `must be at most ${mostServers} servers`)
    .superRefine((servers, context) => {
      const names = servers.map(({ name }) => name)
      for (const [at, name] of names.entries())
        if (names.indexOf(name) < at)
          context.addIssue({ code: 'custom', path: [at, 'name'], message: 'is the name of another server, too' })
    }),
})

/**
 * Reads the other servers of `JOBS_FLEET_FILE`. The names of their token files count from the folder of the file.
 * @throws Failure `usage` with the line and column of each fault
 */
export async function readFleetFile(path: string): Promise<FleetServer[]> {
  const text = await readSmallFile(path, largestFile).catch((error: unknown) => {
    const why = error instanceof Failure ? error.message : `cannot be read: ${errorText(error)}`
    throw refused(`${escaped(path)} ${why}`)
  })
  // Loaded here, since few servers have the file.
  const { faultLines, parseYaml, plainOf } = await import('../../shared/text/parse-yaml.ts')
  const yaml = parseYaml(text, 'a list of servers')
  const read = FleetFile.safeParse(plainOf(yaml.value), { reportInput: true })
  if (yaml.faults.length === 0 && read.success)
    return read.data.servers.map((server) => ({ ...server, token_file: resolve(dirname(path), server.token_file) }))
  const found = (read.error?.issues ?? []).flatMap((issue) => {
    const steps = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
    const position = yaml.positionOf(steps, 'value')
    return faultsOfIssue(issue).map(({ path: field, message }) => ({
      ...position,
      message: `${field} ${message}`.trim(),
    }))
  })
  throw refused(faultLines(path, yaml.faults.length > 0 ? yaml.faults : found))
}

const refused = (message: string): Failure =>
  new Failure('usage', `JOBS_FLEET_FILE: ${message}`, {
    hint: 'docs/deploy/fleet.md has an example',
  })
