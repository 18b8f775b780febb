import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EditorEnd } from '../io.ts'
import { fileErrorText } from '../system.ts'

interface Editing {
  env: NodeJS.ProcessEnv
  /** Aborted at SIGTERM and SIGHUP, which end the editor, too. */
  signal: AbortSignal
}

/**
 * Has a person edit a text: in a file that nobody else can read, which is deleted however the editor ends.
 * @param program the command line of the editor, for a shell, as in `VISUAL`
 */
export async function runEditor(program: string, text: string, { env, signal }: Editing): Promise<EditorEnd> {
  const folder = await mkdtemp(join(env.XDG_RUNTIME_DIR || tmpdir(), 'jobsctl-')).catch((error: unknown) => ({ error }))
  if (typeof folder === 'object') return { failed: `got no file: ${fileErrorText(folder.error)}` }
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    const file = join(folder, 'job.json')
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
    const child = spawn('/bin/sh', ['-c', `${program} "$1"`, 'sh', file], { stdio: 'inherit', env })
    const end = () => child.kill('SIGTERM')
    signal.addEventListener('abort', end, { once: true })
    const [code, killedBy]: unknown[] = await once(child, 'exit')
    signal.removeEventListener('abort', end)
    if (code !== 0) return { failed: killedBy ? `was ended by ${killedBy}` : `ended with code ${code}` }
    return { text: await readFile(file, 'utf8') }
  } catch (error) {
    return { failed: `failed: ${fileErrorText(error)}` }
  } finally {
    remove()
    process.removeListener('exit', remove)
  }
}
