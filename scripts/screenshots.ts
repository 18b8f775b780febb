import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { insertIncident } from '../server/demo/incident.ts'
import { insertSampleJobs } from '../server/demo/sample-jobs.ts'
import { readEnv } from '../server/env.ts'
import { createLog } from '../server/log.ts'
import { startBrowser } from './chromium.ts'

/** The built server, with the types of its source. */
const { start }: typeof import('../server/start.ts') = await import(
  new URL('../dist/server/start.js', import.meta.url).href
)

const target = 'docs/pictures'

/** The pictures of the docs: their names, the screens, and the theme. */
const pictures = [
  ['overview', '/', 'light'],
  ['jobs', '/jobs?status=failed', 'dark'],
] as const

/** Makes the pictures of the dashboard again, of a server with the jobs of the demo. Needs chromium. */
const folder = await mkdtemp(join(tmpdir(), 'jobsctl-pictures-'))
const log = createLog({ write: () => {}, readable: true })
const server = await start(readEnv({ JOBS_DATA_DIR: folder, JOBS_EMBEDDED_FSYNC: 'false', PORT: '0' }), log)
const browser = await startBrowser()
try {
  await server.prepared
  await insertSampleJobs(server.sql)
  await insertIncident(server.sql)
  await mkdir(target, { recursive: true })
  const key = (await readFile(join(folder, 'api-key'), 'utf8')).trim()
  for (const [name, screen, colorScheme] of pictures) await takePicture(name, screen, { colorScheme, key })
} finally {
  await browser.close()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

interface PictureOptions {
  colorScheme: 'light' | 'dark'
  key: string
}

async function takePicture(name: string, screen: string, { colorScheme, key }: PictureOptions): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, colorScheme })
  await page.goto(`${server.url}/ui${screen}`)
  await page.getByLabel('Key or token').fill(key)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('table').waitFor()
  await page.screenshot({ path: join(target, `${name}.png`) })
  await page.close()
  console.log(`${target}/${name}.png`)
}
