import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jobsctl } from './actors/operator.ts'

/** Every minute: finished jobs that another program has moved two days into the past. */
const policy = `
at: '* * * * *'
max: 50000
rules:
  soak-mail:
    domain: mail
    prune: { status: [completed, cancelled], older_than: 1d }
  soak-media:
    domain: media
    prune: { status: [completed, failed, cancelled], older_than: 1d }
  soak-stuck:
    all: true
    sweep: { runtime: 6h, action: fail }
    mode: report
`

/**
 * Applies the policy as an operator does.
 * @throws Error when it is refused
 */
export async function applyPolicy(url: string, folder: string): Promise<void> {
  await writeFile(join(folder, 'policy.yaml'), policy)
  const { code, err } = await jobsctl(url, ['policy', 'apply', 'policy.yaml', '--reason', 'soak', '--yes'], folder)
  if (code !== 0) throw new Error(`the policy is refused: ${err}`)
}
