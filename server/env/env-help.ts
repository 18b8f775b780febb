import { Env } from './env.ts'

interface Variable {
  name: string
  preset: string
  meaning: string
}

/** The server's environment variables with their default values, for `--help` and for docs/reference/environment.md. */
export const environmentVariables = (): Variable[] =>
  Object.entries(Env.shape).map(([name, schema]) => {
    const preset = schema.safeParse(undefined)
    return {
      name,
      preset: preset.success && preset.data !== undefined ? String(preset.data) : '',
      meaning: schema.description ?? '',
    }
  })

/** The environment variables as a section of `--help`. */
export function envHelp(): string {
  const variables = environmentVariables()
  const width = Math.max(...variables.map(({ name }) => name.length)) + 2
  const lines = variables.map(({ name, preset, meaning }) => {
    return `  ${name.padEnd(width)}${meaning}${preset ? ` (${preset})` : ''}`
  })
  return ['ENVIRONMENT', ...lines].join('\n')
}
